from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest

from producers import resuming, supervise
from producers.sources.file import FileSource
from producers.supervise import Supervisor, definition_of
from producers.writer import Clocks
from schemas.codec import encode
from schemas.errors import Retryable
from schemas.records import Beat, Health
from schemas.site import SiteConfig, parse
from schemas.site.sensors import TamperSensor
from tests.unit.producers.parts import Outbox, camera, make_film, noise


def site(**sources: Path) -> SiteConfig:
    cameras = "".join(
        f"  {name}: {{source: {path}, loop: true}}\n" for name, path in sources.items()
    )
    return parse(f"version: 1\nsite: depot\ncameras:\n{cameras}")


def wait_for(outbox: Outbox, name: str, state: str) -> str | None:
    """Wait until a camera has told a state; return the reason it gave."""
    for _ in range(500):
        for one in list(outbox.health):
            if (one.name, one.state) == (name, state):
                return one.reason
        time.sleep(0.02)
    raise AssertionError(f"{name} was never {state}")


def wait_for_version(outbox: Outbox, version: int) -> None:
    """Wait until a frame carries a version."""
    for _ in range(500):
        if outbox.frames[-1:] and outbox.frames[-1].config_version == version:
            return
        time.sleep(0.02)
    raise AssertionError(f"no frame carries version {version}")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_film(tmp_path / "film.avi", [noise(n) for n in range(20)])


def test_a_fault_in_one_camera_reaches_no_other(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "written_before", lambda *_: (None, 0))
    opened = FileSource.open

    def explode(source: FileSource) -> None:
        if "cursed" in str(source._path):
            raise ZeroDivisionError("never foreseen")
        opened(source)

    monkeypatch.setattr(FileSource, "open", explode)
    outbox = Outbox()
    supervisor = Supervisor(cast(Any, outbox), "", {}, Clocks())
    supervisor.apply(1, site(good=film, cursed=tmp_path / "cursed.avi"))
    try:
        reason = wait_for(outbox, "cursed", "offline")
        wait_for_version(outbox, 1)
    finally:
        supervisor.stop()
    assert reason == "a fault in capture itself (ZeroDivisionError): see its log"
    assert {one.camera for one in outbox.frames} == {"good"}


def test_a_camera_waits_until_it_is_known_what_was_written_before(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [Retryable("Kafka is away"), (5_000_000_000_000, 7)]

    def written_before(*_: object) -> tuple[int, int]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return cast(tuple[int, int], answer)

    monkeypatch.setattr(supervise, "written_before", written_before)
    monkeypatch.setattr(supervise, "_RETRY_S", 0.0)
    outbox = Outbox()
    supervisor = Supervisor(cast(Any, outbox), "", {}, Clocks())
    supervisor.apply(1, site(good=film))
    try:
        wait_for(outbox, "good", "online")
    finally:
        supervisor.stop()
    assert {one.epoch_at for one in outbox.frames} <= {5_000_000_000_001}


def test_a_sensor_that_looks_at_pictures_interrupts_no_camera_and_gets_what_it_asks_for(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "written_before", lambda *_: (None, 0))
    outbox = Outbox()
    supervisor = Supervisor(cast(Any, outbox), "", {}, Clocks())
    plain = site(good=make_film(film.parent / "long.avi", [noise(n) for n in range(90)]))
    lens = TamperSensor(camera="good", kind="tamper")
    watched = plain.model_copy(update={"sensors": {"lens": lens}})
    try:
        for version, config in enumerate((plain, watched, plain), start=1):
            supervisor.apply(version, config)
            wait_for_version(outbox, version)
    finally:
        supervisor.stop()
    assert len({one.epoch_at for one in outbox.frames}) == 1
    told = {(one.config_version, one.view is not None) for one in outbox.frames}
    assert told == {(1, False), (2, True), (3, False)}


def test_only_what_capture_reads_of_a_camera_interrupts_it() -> None:
    before = definition_of(camera())
    downstream: tuple[dict[str, Any], ...] = (
        {"min_score": 0.5},
        {"classes": ["car"]},
        {"model": "yolox"},
        {"ignore": [[[0, 0], [1, 0], [1, 1]]]},
        {"lost_s": 4},
    )
    for keys in downstream:
        assert definition_of(camera(**keys)) == before
    upstream: tuple[dict[str, Any], ...] = (
        {"source": "other.avi"},
        {"fps": 10},
        {"width": 320},
        {"privacy": [[[0, 0], [1, 0], [1, 1]]]},
        {"record": "off"},
        {"motion_gate": True},
        {"loop": True},
        {"start_at": "2000-01-01T00:00:00Z"},
    )
    for keys in upstream:
        assert definition_of(camera(**keys)) != before


def test_the_latest_time_is_known_from_frames_or_else_from_health(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beat = Beat(
        site="depot", camera="gate", beat_at=500, state="online", epoch_at=1, config_version=1
    )
    health = Health(
        health_id="depot/gate",
        site="depot",
        kind="camera",
        name="gate",
        state="online",
        at=9,
        frames=1,
        dropped=0,
        details='{"written_at": 400}',
        revision=12,
    )
    kept = {"frames": encode(beat), "up.health": encode(health)}
    monkeypatch.setattr(resuming, "last_value", lambda _, topic, key: kept.get(topic))
    assert resuming.written_before("", "depot", "gate") == (500, 12)
    del kept["frames"]
    assert resuming.written_before("", "depot", "gate") == (400, 12)
    kept["up.health"] = b"\x00damaged"
    assert resuming.written_before("", "depot", "gate") == (None, 0)
