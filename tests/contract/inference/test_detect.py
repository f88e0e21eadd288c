"""Detect on a real Kafka and a real Triton: order, restarts, bad input, absent parts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from infra.runtime.kafka import Message, RecordProducer, read_all
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.codec import decode_as
from schemas.errors import Retryable
from schemas.ids import SITE_PATTERN
from schemas.records import AppliedConfig, Beat, Detections, Frame, Reading
from schemas.topics import PARTITIONS
from streams.inference import thumbnails
from streams.inference.answer import Answer
from streams.inference.client import TritonClient
from streams.inference.detect import run_detect
from streams.inference.local import LocalModel
from streams.inference.thumbnails import History
from tests.contract.inference.conftest import SITE, Place
from tests.fixtures import ROOT
from tests.serving import in_thread
from tests.unit.streams.inference import scenes

PATIENCE_S = 60.0
COMMAND = """
import sys
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from streams.inference.detect import run_detect
import os
sys.exit(Service("detect", Settings.from_environment(os.environ)).run(run_detect))
"""


def settings(place: Place) -> Settings:
    return Settings(site=SITE, edge_kafka=place.kafka, triton_grpc=place.triton)


@contextmanager
def running(place: Place) -> Iterator[Service]:
    """Run detect in a thread."""
    service = Service("detect", settings(place))
    with in_thread(service, run_detect, 30):
        yield service


def beat(camera: str, at: int) -> Beat:
    return Beat(site=SITE, camera=camera, beat_at=at, state="online", config_version=0)


def footage(camera: str, frames: int, *, keep: bool = True) -> list[Frame | Beat]:
    """Frames of one walker at 5 a second, with a beat each second."""
    records: list[Frame | Beat] = []
    for seq in range(frames):
        picture = scenes.with_things(scenes.ground(), [scenes.walker(seq)])
        records.append(scenes.frame(seq, picture, camera=camera, keep=keep))
        if seq % 5 == 4:
            records.append(beat(camera, scenes.EPOCH_AT + seq * scenes.STEP_MS))
    return records


def send(place: Place, records: list[Frame | Beat]) -> None:
    producer = RecordProducer(place.kafka, "test")
    for record in records:
        producer.send("frames", record, key=record.camera)
    producer.flush()


def everything(place: Place, topic: str) -> list[Message]:
    """Read a topic whole; a broker whose topics are new may need to be asked again."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            return read_all(place.kafka, topic)
        except Retryable:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.2)


def readings(place: Place, cameras: set[str]) -> list[tuple[int, Reading]]:
    """Everything in detections about these cameras, in order, with its partition."""
    found = []
    for message in everything(place, "detections"):
        record = decode_as(Detections, message.value)
        assert record.partition == message.partition and record.site == SITE
        found += [(message.partition, one) for one in record.readings if one.camera in cameras]
    return found


def until(place: Place, camera: str, done: Callable[[list[Reading]], bool]) -> list[Reading]:
    """Wait for the readings of a camera, each offset once, in order of offset."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        by_offset: dict[int, Reading] = {}
        for _, one in readings(place, {camera}):
            assert by_offset.setdefault(one.offset, one) == one, "a repeat says something else"
        found = [by_offset[offset] for offset in sorted(by_offset)]
        if done(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"{len(found)} readings of {camera} after {PATIENCE_S:g} s")


def expected(records: list[Frame | Beat]) -> list[Answer]:
    """What the model in this process says of the frames."""
    model, history, found = LocalModel("foreground"), History(), []
    for record in records:
        if isinstance(record, Frame):
            history, block = thumbnails.step(history, record, 0)
            found.append(model.infer(record.jpeg, block))
    return found


def answers_in(found: list[Reading]) -> list[Answer]:
    assert {(one.outcome, one.reason) for one in found} == {("ok", None)}
    return [
        Answer(one.boxes, one.scores, one.labels, one.model, one.model_version)
        for one in found
        if one.kind == "frame"
    ]


def test_frames_and_beats_come_out_in_order_with_the_answers_of_replay(
    place: Place, client: TritonClient
) -> None:
    records = footage("plain", 60)
    send(place, records)
    with running(place):
        found = until(place, "plain", lambda so_far: len(so_far) >= len(records))
    assert [one.kind for one in found] == [type(one).__name__.lower() for one in records]
    assert [one.at for one in found] == [
        one.captured_at if isinstance(one, Frame) else one.beat_at for one in records
    ]
    assert answers_in(found) == expected(records)
    assert sum(len(one.scores) for one in found) > 30
    places = {(m.partition, m.offset) for m in everything(place, "frames") if m.key == "plain"}
    assert {(p, one.offset) for p, one in readings(place, {"plain"})} == places


def test_a_stop_in_the_middle_changes_no_answer(place: Place, client: TritonClient) -> None:
    records = footage("stopped", 80)
    send(place, records[:30])
    with running(place):
        until(place, "stopped", lambda so_far: len(so_far) >= 30)
    send(place, records[30:])
    with running(place):
        found = until(place, "stopped", lambda so_far: len(so_far) >= len(records))
    assert answers_in(found) == expected(records)


def test_kills_at_any_moment_change_no_answer(place: Place, client: TritonClient) -> None:
    records = footage("killed", 600)
    environment = {**os.environ, **settings(place).environment(), "PYTHONPATH": str(ROOT)}
    part = len(records) // 4
    for number in range(4):
        send(place, records[number * part : (number + 1) * part])
        last = number == 3
        wanted = len(records) if last else number * part + 1
        process = subprocess.Popen([sys.executable, "-c", COMMAND], env=environment, cwd=ROOT)
        try:
            found = until(place, "killed", lambda so_far, n=wanted: len(so_far) >= n)  # type: ignore[misc]
        finally:
            process.send_signal(signal.SIGTERM if last else signal.SIGKILL)
            code = process.wait(30)
        assert code == (0 if last else -signal.SIGKILL)
    assert answers_in(found) == expected(records)


def test_bad_records_and_bad_pictures_hurt_no_other(place: Place, client: TritonClient) -> None:
    before = len(everything(place, "dlq.frames"))
    frames = [record for record in footage("bad", 12) if isinstance(record, Frame)]
    broken = [scenes.frame(12, b"no picture", camera="bad", keep=True)]
    producer = RecordProducer(place.kafka, "test")
    producer.send("frames", frames[0], key="bad")
    producer.send_raw("frames", b"\x00\x00\x00\x00\x01damaged", key="bad")
    producer.send("frames", Detections(site=SITE, partition=0, readings=()), key="bad")
    for record in [*broken, *frames[1:]]:
        producer.send("frames", record, key="bad")
    producer.flush()
    with running(place):
        found = until(place, "bad", lambda so_far: len(so_far) >= 13)
    outcomes = [(one.outcome, one.reason) for one in found]
    assert outcomes == [("ok", None), ("failed", "bad-jpeg"), *[("ok", None)] * 11]
    letters = everything(place, "dlq.frames")[before:]
    reasons = sorted(dict(letter.headers)["reason"].decode() for letter in letters)
    assert reasons[-1] == "unexpected-record" and len(reasons) == 2


def test_the_model_is_that_of_the_configuration_in_the_frame(
    place: Place, client: TritonClient
) -> None:
    body = f"""
version: 1
site: {SITE}
cameras:
  known: {{source: a.mp4, model: foreground}}
  orphan: {{source: b.mp4, model: nobody}}
"""
    assert SITE_PATTERN.fullmatch(SITE)
    applied = AppliedConfig(
        config_version=7, site=SITE, document="site", body=body, sha256="", accepted_at=0
    )
    cameras = ("known", "orphan", "stranger")
    with running(place):
        send(
            place,
            [scenes.frame(0, scenes.ground(), camera=c, config_version=7) for c in cameras],
        )
        producer = RecordProducer(place.kafka, "test")
        producer.send("config", applied, key="7")
        producer.flush()
        found = {c: until(place, c, lambda so_far: len(so_far) == 1)[0] for c in cameras}
    assert {c: (one.model, one.outcome, one.reason) for c, one in found.items()} == {
        "known": ("foreground", "ok", None),
        "orphan": ("nobody", "failed", "model-missing"),
        "stranger": ("", "failed", "unknown-camera"),
    }


def test_triton_killed_in_the_middle_costs_no_answer(place: Place, client: TritonClient) -> None:
    # The supervisor notes what is loaded every few seconds, to load it again after a crash.
    time.sleep(5)
    records = footage("without-triton", 300)
    with running(place):
        send(place, records[:100])
        until(place, "without-triton", lambda so_far: len(so_far) >= 50)
        place.stack.kill("triton")
        send(place, records[100:])
        found = until(place, "without-triton", lambda so_far: len(so_far) >= len(records))
    assert answers_in(found) == expected(records)


@pytest.mark.parametrize("cameras", [24])
def test_many_cameras_share_the_partitions(
    place: Place, client: TritonClient, cameras: int
) -> None:
    names = [f"many-{number}" for number in range(cameras)]
    each = {name: footage(name, 12) for name in names}
    mixed = [each[name][index] for index in range(14) for name in names]
    send(place, mixed)
    with running(place):
        for name in names:
            found = until(place, name, lambda so_far: len(so_far) >= 14)
            assert answers_in(found) == expected(each[name])
    records = [decode_as(Detections, m.value) for m in everything(place, "detections")]
    several = [r for r in records if len({one.camera for one in r.readings}) > 1]
    assert several and all(r.partition < PARTITIONS for r in several)
