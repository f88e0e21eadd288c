"""Confluent's own deserializer reads our topics through our read paths, unchanged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest
from confluent_kafka import OFFSET_BEGINNING, DeserializingConsumer, TopicPartition
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.error import SchemaRegistryError

from infra.runtime.kafka import RecordProducer
from infra.runtime.settings import Settings
from schemas.records import SCHEMA_IDS, Record, Track
from tests.contract.consumers.store_rows import event, receipt
from tests.unit.schemas.test_codec import BEAT, FRAME, TRACK

EVENT = event("registry", class_name=None)
RECEIPT = receipt("depot-7/registry", 1)
RECORDS: list[tuple[str, Record]] = [
    ("frames", FRAME),
    ("frames", BEAT),
    ("up.events", EVENT),
    ("up.tracks", TRACK),
    ("up.receipts", RECEIPT),
]


@pytest.fixture
def registry(url: str) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": url}) as client:
        yield client


def read(
    settings: Settings, registry: SchemaRegistryClient, topic: str, **conf: Any
) -> Iterator[Any]:
    """Yield what stands in a topic, as a client of Confluent's reads it, for half a minute."""
    consumer = DeserializingConsumer(
        {
            "bootstrap.servers": settings.cloud_kafka,
            "group.id": f"reader-of-{topic}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "value.deserializer": AvroDeserializer(registry, conf=conf or None),
        }
    )
    places = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, part, OFFSET_BEGINNING) for part in places])
    until_s = time.monotonic() + 30
    try:
        while time.monotonic() < until_s:
            message = consumer.poll(1)
            if message is not None:
                yield message.value()
    finally:
        consumer.close()


@pytest.mark.parametrize(
    ("topic", "record"), RECORDS, ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_topic_is_read(
    settings: Settings, registry: SchemaRegistryClient, topic: str, record: Record
) -> None:
    produce(settings, topic, record)
    assert same(asdict(record)) in (same(one) for one in read(settings, registry, topic))


def produce(settings: Settings, topic: str, record: Record) -> None:
    producer = RecordProducer(settings.cloud_kafka, "test")
    producer.send(topic, record, key="registry")
    producer.flush()


def same(value: Any) -> Any:
    """Return a value in one spelling: records' times are numbers, their lists tuples."""
    if isinstance(value, datetime):
        return round(value.replace(tzinfo=value.tzinfo or UTC).timestamp() * 1000)
    if isinstance(value, dict):
        return {name: same(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [same(one) for one in value]
    return value


def test_the_newest_version_may_be_the_reader_s(
    settings: Settings, registry: SchemaRegistryClient
) -> None:
    produce(settings, "up.events", EVENT)
    found = read(settings, registry, "up.events", **{"use.latest.version": True})
    assert same(asdict(EVENT)) in (same(one) for one in found)


def test_a_client_finds_its_way(registry: SchemaRegistryClient) -> None:
    schema_id = SCHEMA_IDS[Track]
    latest = registry.get_latest_version("up.tracks-value")
    assert (latest.schema_id, latest.version, latest.subject) == (schema_id, 1, "up.tracks-value")
    assert latest.schema is not None and latest.schema.schema_str is not None
    fastavro.parse_schema(json.loads(latest.schema.schema_str))
    assert registry.get_schema(schema_id).schema_str == latest.schema.schema_str
    assert registry.lookup_schema("sightline.Track", latest.schema).schema_id == schema_id
    assert "sightline.Track" in registry.get_subjects()
    assert registry.get_versions("sightline.Track") == [1]
    assert registry.get_version("sightline.Track", 1).schema_id == schema_id
    places = {(one.subject, one.version) for one in registry.get_schema_versions(schema_id)}
    assert places == {("sightline.Track", 1), ("up.tracks-value", 1)}
    assert registry.get_schema_types() == ["AVRO"]
    assert registry.get_config().compatibility_level == "FULL_TRANSITIVE"


def test_a_client_reads_our_errors(registry: SchemaRegistryClient) -> None:
    asked: tuple[tuple[Callable[[], object], int], ...] = (
        (lambda: registry.get_schema(999), 40403),
        (lambda: registry.get_latest_version("none"), 40401),
        (lambda: registry.get_version("sightline.Track", 7), 40402),
        (lambda: registry.lookup_schema("sightline.Track", Schema('"string"', "AVRO")), 40403),
    )
    for ask, code in asked:
        with pytest.raises(SchemaRegistryError) as refused:
            ask()
        assert refused.value.error_code == code
