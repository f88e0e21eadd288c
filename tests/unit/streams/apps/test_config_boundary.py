"""A new configuration takes hold from one record on and disturbs nothing that it does not touch.

The four stages as they run live, joined by hand: each input is judged under the version it carries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from schemas.records import Event, Reading, Record, Sensed
from schemas.site import SiteConfig, parse
from streams.apps.logic import Unit
from streams.apps.stages import SITE_TRIGGERS, all_stages
from tests.unit.streams.core.sensing.scene import EPOCH, beat, frame, standing

SITE = "depot-7"
LAWN: dict[str, Any] = {
    "camera": "gate",
    "kind": "zone",
    "points": [[0.0, 0.1], [1.0, 0.1], [1.0, 1.0], [0.0, 1.0]],
    "dwell_s": 4,
}
DOOR: dict[str, Any] = {"camera": "gate", "kind": "line", "points": [[0.5, 0.1], [0.5, 0.9]]}


def site(
    rules: dict[str, Any] | None = None,
    sensors: dict[str, Any] | None = None,
    cameras: Iterable[str] = ("gate", "yard", "barn"),
) -> SiteConfig:
    document = {
        "version": 1,
        "site": SITE,
        "cameras": {name: {"source": "synthetic:walkers"} for name in cameras},
        "sensors": sensors if sensors is not None else {"lawn": LAWN, "door": DOOR},
        "rules": rules or {},
    }
    return parse(msgspec.json.encode(document).decode())


class Running:
    """The stages of a site, with a state for each key that is stored and restored all the time."""

    def __init__(self, *versions: SiteConfig) -> None:
        self.versions = versions
        self.logic = all_stages()
        self.states: dict[tuple[str, str], bytes] = {}
        self.written: dict[str, list[Any]] = {}
        self._offset = -1

    def read(self, readings: Iterable[tuple[int, str, Reading]]) -> None:
        for version, camera, reading in readings:
            self._offset += 1
            self._step("sense", _placed(reading, camera, version, self._offset), "detections")

    def _step(self, stage: str, record: Any, topic: str) -> None:
        logic = self.logic[stage]
        if isinstance(record, Reading):
            unit = Unit(SITE, record.camera, record.config_version, record.at, record)
        else:
            (unit,) = logic.units(record, topic)
        place = (stage, unit.key)
        state = (
            msgspec.msgpack.decode(self.states[place], type=logic.state_type)
            if place in self.states
            else logic.new_state(SITE, unit.key)
        )
        version = logic.version(state, unit)
        plan = logic.plan(self.versions[version], unit.key, version)
        step = logic.step(state, unit, 0, plan)
        self.states[place] = msgspec.msgpack.encode(step.state)
        for output in step.outputs:
            self.written.setdefault(output.topic, []).append(output.record)
            for name, following in self.logic.items():
                if output.topic in following.sources:
                    self._step(name, output.record, output.topic)

    def told(self) -> list[tuple[str, int, int]]:
        """Return (trigger, since, t) in ms since the beginning."""
        return [
            (one.trigger, one.since_at - EPOCH, one.triggered_at - EPOCH)
            for sensed in self.written.get("triggers", [])
            for one in sensed.triggers
        ]

    def events(self) -> list[tuple[str, str, int]]:
        """Return (rule, state, t)."""
        found: list[Event] = self.written.get("up.events", [])
        return [(event.rule, event.state, event.at - EPOCH) for event in found]


def _placed(reading: Reading, camera: str, version: int, offset: int) -> Reading:
    seq = offset if reading.kind == "frame" else -1
    return replace(reading, camera=camera, config_version=version, offset=offset, seq=seq)


def walk(start_ms: int, end_ms: int, version_at: int, camera: str = "gate") -> list[Any]:
    """Somebody walks about on the lawn; from ``version_at`` on under the next version."""
    return [
        (
            int(at >= version_at),
            camera,
            frame(at, [standing(0.2 + 0.1 * (at % 10_000) / 1000, 0.6)]),
        )
        for at in range(start_ms, end_ms, 200)
    ]


def beats(start_ms: int, end_ms: int, version: int, camera: str = "gate", **keys: Any) -> list[Any]:
    return [(version, camera, beat(at, **keys)) for at in range(start_ms, end_ms, 1000)]


def tracks_of(running: Running) -> set[str]:
    return {one.track for sensed in running.written["triggers"] for one in sensed.triggers}


def test_tracks_and_dwell_clocks_outlive_a_change_of_something_else() -> None:
    tall = {**DOOR, "points": [[0.5, 0.0], [0.5, 1.0]]}
    changed = site(sensors={"lawn": LAWN, "door": tall, "new": {**DOOR, "rearm": 1}})
    running, alone = Running(site(), changed), Running(site(), site())
    for one in (running, alone):
        one.read(walk(0, 6000, version_at=2000))
    assert [item for item in running.told() if item[0] != "crossed"] == [
        item for item in alone.told() if item[0] != "crossed"
    ]
    assert ("dwelled", 0, 4000) in running.told()
    assert len(tracks_of(running)) == 1


def test_a_partial_match_outlives_a_change_of_another_rule() -> None:
    both = {
        "sequence": [
            {"sensor": "lawn", "trigger": "entered"},
            {"sensor": "lawn", "trigger": "dwelled"},
        ],
        "within_s": 10,
    }
    kept = {"when": both}
    other = {"when": {"sensor": "door", "trigger": "crossed"}}
    before = site({"kept": kept, "other": other})
    after = site({"kept": {**kept, "severity": "alert"}, "more": other})
    running = Running(before, after)
    running.read(walk(0, 6000, version_at=2000))
    opened = [event for event in running.events() if event[1] == "opened"]
    assert ("kept", "opened", 4000) in opened
    (event,) = [event for event in running.written["up.events"] if event.rule == "kept"]
    assert (event.severity, event.config_version) == ("alert", 1)


def test_an_open_event_of_a_removed_rule_is_closed_at_its_time() -> None:
    rule = {
        "when": {"sensor": "door", "trigger": "crossed"},
        "group": {"by": "camera", "within_s": 10},
    }
    running = Running(site({"door": rule}), site())
    running.read(walk(0, 6000, version_at=4000) + beats(6000, 30_000, 1))
    opened, *_, closed = running.events()
    assert (opened[1], closed[1]) == ("opened", "closed")
    assert closed[2] == running.events()[-2][2] + 10_000


def test_an_open_event_of_a_removed_camera_is_closed_and_its_track_ended() -> None:
    rule = {
        "when": {"sensor": "door", "trigger": "crossed"},
        "group": {"by": "camera", "within_s": 10},
    }
    removed = site({}, sensors={}, cameras=["yard"])
    running = Running(site({"door": rule}), removed)
    running.read(
        walk(0, 4200, version_at=9000)
        + beats(4200, 5000, 0, state="offline")
        + beats(6000, 30_000, 1, state="offline")
    )
    assert [state for _, state, _ in running.events()][-1] == "closed"
    (track,) = running.written["up.tracks"]
    assert track.ended_at == EPOCH + 4000


HATCH = {**DOOR, "camera": "yard"}
SHED = {**DOOR, "camera": "barn"}


def across(*sensors: str) -> dict[str, Any]:
    return {
        "when": {"any": [{"sensor": name, "trigger": "crossed"} for name in sensors]},
        "group": {"by": "site", "within_s": 5},
    }


def interleaved(*parts: list[Any]) -> list[Any]:
    return sorted((one for part in parts for one in part), key=lambda one: one[2].at)


@pytest.mark.parametrize("stays_configured", [True, False])
def test_a_camera_that_a_rule_lets_go_of_holds_up_nobody(stays_configured: bool) -> None:
    sensors = {"door": DOOR, "hatch": HATCH, "shed": SHED}
    before = site({"old": across("door", "hatch"), "new": across("hatch", "shed")}, sensors)
    after = site({"new": across("hatch", "shed")}, sensors)
    if not stays_configured:
        del sensors["door"]
        after = site({"new": across("hatch", "shed")}, sensors, ["yard", "barn"])
    running = Running(before, after)
    running.read(
        interleaved(
            beats(0, 8000, 0, "gate"),
            beats(8000, 90_000, 1, "gate"),
            beats(0, 8000, 0, "barn"),
            beats(8000, 90_000, 1, "barn"),
            [(0, "yard", frame(at, [])) for at in range(0, 8000, 200)],
            walk(10_000, 16_000, 0, "yard"),
            beats(16_500, 90_000, 1, "yard"),
        )
    )
    assert [(rule, state) for rule, state, _ in running.events()][:1] == [("new", "opened")]
    assert running.events()[-1][:2] == ("new", "closed")
    last: list[Sensed] = [one for one in running.written[SITE_TRIGGERS] if one.key == "gate"]
    assert last[-1].beat == "offline" and last[-1].at < EPOCH + 80_000


def test_an_open_event_across_cameras_is_closed_when_no_such_rule_is_left() -> None:
    sensors = {"door": DOOR, "hatch": HATCH}
    running = Running(site({"old": across("door", "hatch")}, sensors), site({}, sensors))
    running.read(
        interleaved(
            walk(0, 6000, version_at=5400),
            beats(0, 5000, 0, "yard"),
            beats(5400, 90_000, 1, "yard"),
            beats(6000, 90_000, 1),
        )
    )
    assert [(rule, state) for rule, state, _ in running.events()] == [
        ("old", "opened"),
        ("old", "closed"),
    ]
    record: Record = running.written[SITE_TRIGGERS][-1]
    assert isinstance(record, Sensed) and record.triggers == () and record.at < EPOCH + 80_000
