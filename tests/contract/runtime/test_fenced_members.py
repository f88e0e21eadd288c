"""Two processes of one name: the first is told so and ends, so that its supervisor can act."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from consumers.sinks import evidence as sink
from consumers.sync import agent
from consumers.sync.publish import commands_topic, config_topic
from infra.runtime.kafka import RecordConsumer
from infra.runtime.kafka.message import CLIENT_LOG
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.errors import Fatal
from streams.evidence import run as evidence
from streams.inference import detect, intake
from tests.contract.runtime.conftest import SITE

PATIENCE_S = 60.0


def settings(kafka: str) -> Settings:
    """Every address that is not Kafka's answers nobody."""
    return Settings(
        site=SITE,
        worker="twin",
        edge_kafka=kafka,
        cloud_kafka=kafka,
        triton_grpc="127.0.0.1:1",
        postgres_dsn="postgresql://nobody@127.0.0.1:1/none",
        s3_url="http://127.0.0.1:1",
        s3_access_key="a",
        s3_secret_key="b",
        s3_bucket="c",
    )


def await_member(kafka: str, group: str) -> None:
    """Wait until a group's only member has been given its partitions."""
    admin = AdminClient({"bootstrap.servers": kafka}, logger=CLIENT_LOG)
    give_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s:
        try:
            described = admin.describe_consumer_groups([group])[group].result()
        except KafkaException:
            # A new broker has no coordinator yet.
            continue
        if any(member.assignment.topic_partitions for member in described.members):
            return
        time.sleep(0.1)
    raise AssertionError(f"{group} got no member")


def join(kafka: str, group: str, topics: Sequence[str]) -> RecordConsumer:
    """Become the member of a group whose name the process above has; wait until it is."""
    consumer = RecordConsumer(kafka, group, topics, instance=f"{group}-twin")
    give_up_s = time.monotonic() + PATIENCE_S
    while not consumer.assigned():
        assert time.monotonic() < give_up_s
        consumer.read(1, 0.1)
    return consumer


MEMBERS: dict[str, tuple[Callable[[Service], None], str, Sequence[str]]] = {
    "detect": (detect.run_detect, detect.GROUP, [intake.SOURCE]),
    "evidence": (evidence.run_evidence, evidence.GROUP, evidence.TOPICS),
    "agent": (
        lambda service: agent.run_agent(service, lambda *_: None),
        agent.GROUP,
        [config_topic(SITE), commands_topic(SITE)],
    ),
    "sink": (sink.run_evidence_sink, sink.GROUP, [sink.TOPIC]),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_process_that_was_fenced_off_ends_and_says_so(kafka: str, name: str) -> None:
    main, group, topics = MEMBERS[name]
    service = Service(name, settings(kafka))
    found: list[BaseException] = []

    def run() -> None:
        try:
            main(service)
        except Fatal as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        await_member(kafka, group)
        twin = join(kafka, group, topics)
        thread.join(PATIENCE_S)
        twin.close()
    finally:
        service.stopping.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert len(found) == 1 and "SIGHTLINE_WORKER" in str(found[0])
