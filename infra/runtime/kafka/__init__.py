"""Kafka as this system uses it: idempotent writes that are waited for, reads that commit after.

One producer per process; a message is acknowledged upstream only after everything written for it
has been acknowledged by the broker. A record that cannot be processed goes to its dead-letter
topic with the reason in its headers, and the rest goes on.
"""

from infra.runtime.kafka.clients import admin_client, reading_client
from infra.runtime.kafka.consumer import RecordConsumer
from infra.runtime.kafka.message import (
    Headers,
    Message,
    is_usable,
    no_answer,
    to_message,
)
from infra.runtime.kafka.partitions import PartitionReader
from infra.runtime.kafka.producer import RecordProducer, send_patiently, send_to_dead_letters
from infra.runtime.kafka.reading import read_all, read_at
from infra.runtime.kafka.topics import create_topics, low_offsets, set_topic_settings

__all__ = [
    "Headers",
    "Message",
    "PartitionReader",
    "RecordConsumer",
    "RecordProducer",
    "admin_client",
    "create_topics",
    "is_usable",
    "low_offsets",
    "no_answer",
    "read_all",
    "read_at",
    "reading_client",
    "send_patiently",
    "send_to_dead_letters",
    "set_topic_settings",
    "to_message",
]
