"""Detect on a real Triton that stops, hangs, fails or is too slow: what is lost is what policy drops."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest

from infra.runtime.kafka import RecordProducer, read_all
from schemas.codec import decode_as
from schemas.records import AppliedConfig, Frame, Health
from streams.inference.client import TritonClient
from tests.contract.inference import slow_model
from tests.contract.inference.conftest import SITE, Place
from tests.contract.inference.test_detect import (
    answers_in,
    expected,
    footage,
    readings,
    running,
    send,
    until,
)
from tests.unit.streams.inference import scenes

PATIENCE_S = 60.0


def health(place: Place, key: str) -> list[str]:
    """The states that a camera or process went through, as ``up.health`` tells them."""
    records = [decode_as(Health, m.value) for m in read_all(place.kafka, "up.health")]
    return [one.state for one in records if one.health_id == f"{SITE}/{key}"]


def eventually(place: Place, key: str, state: str, after: int = 0) -> None:
    """Wait for a state beyond the first ``after`` records of a camera or process."""
    give_up = time.monotonic() + PATIENCE_S
    while state not in (states := health(place, key)[after:]):
        assert time.monotonic() < give_up, f"{key} was only {states}"
        time.sleep(0.2)


def stubs(place: Place) -> list[psutil.Process]:
    """The processes in which Triton runs Python models."""
    pid = place.stack.record().parts["triton"].identity
    assert pid is not None
    children = psutil.Process(pid.pid).children(recursive=True)
    return [one for one in children if "stub" in one.name()]


@pytest.fixture
def continued(place: Place) -> Iterator[None]:
    """Let Triton run on, whatever the test did."""
    yield
    place.stack.kill("triton", signal.SIGCONT)
    place.stack.wait_part("triton")


def test_triton_that_hangs_costs_no_answer_and_is_told(
    place: Place, client: TritonClient, continued: None
) -> None:
    records = footage("hung", 100)
    with running(place) as service:
        send(place, records[:50])
        until(place, "hung", lambda so_far: len(so_far) >= 20)
        place.stack.kill("triton", signal.SIGSTOP)
        before = len(health(place, "hung/detect"))
        send(place, records[50:])
        eventually(place, "hung/detect", "waiting", before)
        eventually(place, "process/detect-w1", "waiting")
        assert "models" in service.health()
        before = len(health(place, "hung/detect"))
        place.stack.kill("triton", signal.SIGCONT)
        found = until(place, "hung", lambda so_far: len(so_far) >= len(records))
        eventually(place, "hung/detect", "analysed", before)
        assert not service.health()
    assert answers_in(found) == expected(records)


def test_models_whose_processes_die_cost_no_answer(place: Place, client: TritonClient) -> None:
    records = footage("stubless", 200)
    with running(place):
        for start in range(0, len(records), 80):
            send(place, records[start : start + 80])
            until(place, "stubless", lambda so_far, n=start: len(so_far) > n)  # type: ignore[misc]
            for process in stubs(place):
                process.kill()
        found = until(place, "stubless", lambda so_far: len(so_far) >= len(records))
    assert answers_in(found) == expected(records)


def test_in_overload_every_camera_is_looked_at_alike(place: Place, client: TritonClient) -> None:
    slow_model.put(place.repository, "slow", 0.05)
    client.load("slow")
    cameras = {**{f"slow-{number}": 5 for number in range(5)}, "slow-flood": 50}
    lines = "".join(f"\n  {name}: {{source: a.mp4, model: slow}}" for name in cameras)
    body = f"version: 1\nsite: {SITE}\ncameras:{lines}\n"
    applied = AppliedConfig(
        config_version=9, site=SITE, document="site", body=body, sha256="", accepted_at=0
    )
    producer = RecordProducer(place.kafka, "test")
    producer.send("config", applied, key="9")
    sent: Counter[str] = Counter()
    picture = scenes.jpeg(scenes.ground())

    def feed(seconds: int) -> None:
        began_s = time.monotonic()
        for tick in range(50 * seconds):
            time.sleep(max(0.0, began_s + tick / 50 - time.monotonic()))
            for camera, rate in cameras.items():
                if tick * rate // 50 > (tick - 1) * rate // 50:
                    one = scenes.frame(sent[camera], picture, camera=camera, config_version=9)
                    producer.send("frames", one, key=camera)
                    sent[camera] += 1
        producer.flush()

    with running(place):
        feeding = threading.Thread(target=feed, args=(25,))
        feeding.start()
        eventually(place, "process/detect-w1", "overloaded")
        feeding.join()
        for camera in cameras:
            until(place, camera, lambda so_far, n=sent[camera]: len(so_far) >= n)  # type: ignore[misc]
    found = [one for _, one in readings(place, set(cameras))]
    outcomes = {(one.outcome, one.reason) for one in found}
    assert outcomes == {("ok", None), ("dropped", "overload")}
    assert Counter(one.camera for one in found) == sent
    overloaded_at = {
        name: min(one.seq for one in found if one.camera == name and one.outcome == "dropped")
        for name in cameras
    }
    answered = {
        name: sum(
            one.outcome == "ok" and one.seq > overloaded_at[name]
            for one in found
            if one.camera == name
        )
        for name in cameras
    }
    assert max(answered.values()) <= 2 * min(answered.values()), answered
    assert "overloaded" in health(place, "slow-0/detect")


def test_a_camera_whose_model_is_missing_says_so(place: Place, client: TritonClient) -> None:
    body = f"version: 1\nsite: {SITE}\ncameras:\n  attic: {{source: a.mp4, model: nothing}}\n"
    applied = AppliedConfig(
        config_version=11, site=SITE, document="site", body=body, sha256="", accepted_at=0
    )
    producer = RecordProducer(place.kafka, "test")
    producer.send("config", applied, key="11")
    producer.flush()
    frames: list[Frame] = [
        scenes.frame(seq, scenes.ground(), camera="attic", config_version=11) for seq in range(5)
    ]
    with running(place) as service:
        send(place, [*frames])
        eventually(place, "attic/detect", "failing")
        assert "nothing" in service.health()["models"]
