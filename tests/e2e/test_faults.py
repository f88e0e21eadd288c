"""What is killed, cut or poisoned changes no event."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.cli.platform import SERVICES
from infra.local.service import ServiceSpec
from infra.runtime.kafka import RecordProducer, read_all
from schemas.topics import STAGES, dead_letter_topic
from tests.e2e import pets
from tests.e2e.product import Product
from tests.e2e.replaying import epoch_of, replay

STREAMS = next(spec for spec in SERVICES if spec.name == "streams")
INPUT_TOPICS = ("frames", "detections", "triggers", "candidates", "judged", "up.events")


def test_kill_9_of_the_whole_worker_changes_no_event(product: Product, tmp_path: Path) -> None:
    _run_disturbed(product, tmp_path, "killed", lambda: _kill_often(product, "streams"))


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
        _run_disturbed(product, tmp_path, "apart", disturb)
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

    _run_disturbed(product, tmp_path, "cut-off", disturb)
    revisions = product.rows(
        "SELECT event_id, array_agg(revision ORDER BY revision) AS seen FROM event_changes "
        "WHERE camera = 'cut-off' GROUP BY event_id"
    )
    assert all(row["seen"] == list(range(1, len(row["seen"]) + 1)) for row in revisions)


@pytest.mark.parametrize("topic", INPUT_TOPICS)
def test_a_poison_record_lands_in_its_dlq_and_the_next_is_processed(
    product: Product, topic: str
) -> None:
    bootstrap = product.ends.edge_kafka
    marker = f"poison for {topic}".encode()
    end = {m.partition: m.offset for m in read_all(bootstrap, topic)}
    producer = RecordProducer(bootstrap, "poison")
    for partition in range(12):
        producer.send_raw(topic, b"\x07" + marker, partition=partition)
    producer.flush()

    def buried() -> bool:
        letters = read_all(bootstrap, dead_letter_topic(topic))
        found = [letter for letter in letters if letter.value == b"\x07" + marker]
        return len(found) >= 12 and all(
            dict(letter.headers)["reason"] == b"wrong-magic" for letter in found
        )

    product.wait(f"12 letters in {dead_letter_topic(topic)}", lambda: buried() or None, 60)
    assert len(end) <= 12


def test_after_all_poison_footage_still_becomes_events(product: Product, tmp_path: Path) -> None:
    _run_disturbed(product, tmp_path, "after", lambda: None)


def _kill_often(product: Product, part: str) -> None:
    for _ in range(3):
        product.stack.kill(part)
        product.stack.wait_part(part)
        time.sleep(2)


def _run_disturbed(
    product: Product, folder: Path, camera: str, disturb: Callable[[], None]
) -> None:
    """Run the footage as ``camera``, disturb in the midst of it, and compare with replay."""
    text = pets.site_yaml({camera: "max"})
    product.apply(text, folder, local=True)
    product.wait(
        f"the first events of {camera}",
        lambda: product.local_events(camera) or None,
    )
    disturb()
    product.finish(camera)
    expected = replay(text, camera, epoch_of(product, camera), folder)
    product.wait(
        f"as many verdicts on {camera} as in replay",
        lambda: len(product.verdicts(camera)) >= len(expected.verdicts) or None,
        60,
    )
    assert product.outcome(camera) == expected.events
    assert product.verdicts(camera) == expected.verdicts
