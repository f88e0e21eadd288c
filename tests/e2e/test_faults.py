"""What is killed, cut or poisoned changes no event."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from infra.cli.platform import SERVICES
from infra.local.service import ServiceSpec
from infra.runtime.kafka import RecordProducer, read_all
from schemas.topics import PARTITIONS, STAGES, dead_letter_topic
from tests import pets
from tests.disturbing import run_disturbed
from tests.product import Product

STREAMS = next(spec for spec in SERVICES if spec.name == "streams")
EDGE_INPUTS = (
    "frames",
    "detections",
    "triggers",
    "site-triggers",
    "candidates",
    "judged",
    "up.events",
    f"down.{pets.SITE}.config",
)
CLOUD_INPUTS = (
    "up.events",
    "up.verdicts",
    "up.counts",
    "up.health",
    "up.receipts",
    "up.tracks",
    "up.evidence",
)
POISON_KEY = "poison"


def test_kill_9_of_the_whole_worker_changes_no_event(product: Product, tmp_path: Path) -> None:
    run_disturbed(product, tmp_path, "killed", lambda: _kill_often(product, "streams"))


def test_kill_9_of_each_stage_alone_changes_no_event(product: Product, tmp_path: Path) -> None:
    product.stack.stop_part("streams")
    environment = product.platform.settings.environment()
    alone = [
        ServiceSpec(stage, ("run", "streams", "--only", stage), STREAMS.needs, environment)
        for stage in STAGES
    ]
    product.stack.start_services(alone)

    def disturb() -> None:
        for stage in STAGES:
            product.stack.kill(stage)
            product.stack.wait_part(stage)

    try:
        run_disturbed(product, tmp_path, "apart", disturb)
    finally:
        for stage in STAGES:
            product.stack.stop_part(stage)
        product.stack.start_part("streams")


def test_a_cloud_broker_down_for_30_s_loses_and_doubles_nothing(
    product: Product, tmp_path: Path
) -> None:
    def disturb() -> None:
        product.stack.stop_part("cloud-kafka")
        time.sleep(30)
        product.stack.start_part("cloud-kafka")

    run_disturbed(product, tmp_path, "cut-off", disturb)
    revisions = product.rows(
        "SELECT event_id, array_agg(revision ORDER BY revision) AS seen FROM event_changes "
        "WHERE camera = 'cut-off' GROUP BY event_id"
    )
    assert all(row["seen"] == list(range(1, len(row["seen"]) + 1)) for row in revisions)


@pytest.mark.parametrize(
    ("side", "topic"),
    [
        *(("edge", topic) for topic in EDGE_INPUTS),
        *(("cloud", topic) for topic in CLOUD_INPUTS),
    ],
)
def test_a_poison_record_lands_in_its_dlq(product: Product, side: str, topic: str) -> None:
    bootstrap = product.ends.edge_kafka if side == "edge" else product.ends.cloud_kafka
    poison = b"\x07 is no magic byte"
    partitions = 1 if topic.startswith("down.") else PARTITIONS
    producer = RecordProducer(bootstrap, "poison")
    for partition in range(partitions):
        producer.send_raw(topic, poison, key=POISON_KEY, partition=partition)
    producer.flush()

    def buried() -> bool | None:
        letters = read_all(bootstrap, dead_letter_topic(topic))
        found = [letter for letter in letters if letter.value == poison]
        return (len(found) >= partitions and all(letter.headers for letter in found)) or None

    product.wait(f"{partitions} letters in {dead_letter_topic(topic)}", buried, 60)


def test_after_all_poison_footage_still_becomes_events(product: Product, tmp_path: Path) -> None:
    run_disturbed(product, tmp_path, "after", lambda: None)


def _kill_often(product: Product, part: str) -> None:
    for _ in range(3):
        product.stack.kill(part)
        product.stack.wait_part(part)
        time.sleep(2)
