"""The topic catalogue on a real broker: it takes every topic, and the largest records."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics
from schemas.topics import LARGE_RECORD_BYTES, Topic, cloud_topics, site_topics

TOPICS = {topic.name: topic for topic in (*cloud_topics("depot-7"), *site_topics("depot-7"))}
# Room for the key, the headers and the framing of a batch.
OVERHEAD_BYTES = 1024


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-catalogue-"))
    stack = Stack(StackConfig(data_dir=data_dir, parts=frozenset({"edge-kafka"})))
    stack.start()
    try:
        yield stack.endpoints.edge_kafka
    finally:
        stack.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="module")
def topics(bootstrap: str) -> dict[str, Topic]:
    create_topics(bootstrap, TOPICS.values())
    return TOPICS


def test_the_broker_keeps_every_setting_as_written(
    bootstrap: str, topics: dict[str, Topic]
) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    described = admin.list_topics(timeout=30).topics
    assert {name: len(described[name].partitions) for name in topics} == {
        name: topic.partitions for name, topic in topics.items()
    }
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
    for resource, future in admin.describe_configs(asked).items():
        kept = future.result()
        wanted = topics[resource.name].config()
        assert {name: kept[name].value for name in wanted} == wanted, resource.name


@pytest.mark.parametrize(
    "name", ["frames", "video", "recording", "up.evidence", "state.sense", "dlq.frames"]
)
def test_a_record_of_the_full_size_is_taken(
    bootstrap: str, topics: dict[str, Topic], name: str
) -> None:
    room = topics[name].max_message_bytes - OVERHEAD_BYTES
    assert sent(bootstrap, name, room) is None


def test_a_dead_letter_holds_the_largest_record_and_its_story(
    bootstrap: str, topics: dict[str, Topic]
) -> None:
    assert sent(bootstrap, "dlq.frames", LARGE_RECORD_BYTES, {"error": "x" * 4096}) is None


def test_a_record_beyond_its_topic_is_refused(bootstrap: str, topics: dict[str, Topic]) -> None:
    error = sent(bootstrap, "triggers", topics["triggers"].max_message_bytes + 1)
    assert error is not None and "MSG_SIZE_TOO_LARGE" in error


def sent(
    bootstrap: str, topic: str, size: int, headers: dict[str, str | bytes | None] | None = None
) -> str | None:
    """Produce one record and return the broker's refusal, if any."""
    refused: list[str] = []
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 12 << 20})
    producer.produce(
        topic,
        bytes(size),
        key="gate",
        headers=headers or {},
        on_delivery=lambda error, _: refused.append(error.name()) if error else None,
    )
    assert producer.flush(60) == 0
    return refused[0] if refused else None
