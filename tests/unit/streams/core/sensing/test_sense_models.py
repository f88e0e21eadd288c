"""Several models on one camera, each at a rate of its own: tracks, provenance, restarts."""

import dataclasses
from collections.abc import Iterator

import pytest

from schemas.errors import Rejected
from schemas.records import Look, Reading
from streams.core.sense import new_state, step
from streams.core.sensing.unnamed import MOST
from streams.core.tracking.tracker import MAX_MODELS
from tests.unit.streams.core.sensing.scene import (
    CAMERA,
    PARTITION,
    SITE,
    Found,
    beat,
    brief,
    looked,
    numbered,
    plan,
    sense,
    standing,
    triggers,
)

GATE = {"kind": "line", "points": [[0.5, 0.1], [0.5, 0.9]], "classes": ["person"]}
LAWN = {"kind": "zone", "points": [[0.2, 0.1], [0.8, 0.1], [0.8, 0.9], [0.2, 0.9]]}


def walking(until_ms: int, *, speed: float = 0.1) -> Iterator[Reading]:
    """A walker from 0.1 to the right: seen five times a second, named once a second."""
    for at in range(0, until_ms, 200):
        box = standing(min(0.1 + speed * at / 1000, 0.75), 0.6)
        seen: tuple[str, list[Found]] = ("foreground", [(box, 0.9, "object")])
        named: tuple[str, list[Found]] = ("yolox", [(box, 0.6, "person")])
        yield looked(seen, *([named] if at % 1000 == 0 else []), at_ms=at)


def of_version(reading: Reading, version: str) -> Reading:
    looks = tuple(dataclasses.replace(look, model_version=version) for look in reading.looks)
    return dataclasses.replace(reading, looks=looks)


def test_a_trigger_tells_the_model_that_named_its_track_and_in_which_version() -> None:
    compiled = plan({"gate": GATE})
    readings = [of_version(one, "3") if one.at % 2000 else one for one in walking(6000)]
    _, found = sense(numbered(readings), compiled)
    (crossed,) = triggers(found)
    assert (crossed.class_name, crossed.model, crossed.model_version) == ("person", "yolox", "1")
    assert 4000 <= brief([crossed])[0][2] <= 4400


def test_the_summary_of_a_track_and_what_comes_after_its_end_tell_it_too() -> None:
    compiled = plan({"lawn": LAWN | {"leave_after_s": 5.0}})
    gone = [looked(("foreground", []), at_ms=at) for at in range(6000, 14_000, 200)]
    _, found = sense(numbered([*walking(6000), *gone]), compiled)
    ((summary,),) = [sensing.tracks for sensing in found if sensing.tracks]
    assert (summary.class_name, summary.model, summary.model_version) == ("person", "yolox", "1")
    left = triggers(found)[-1]
    assert (left.trigger, left.track, left.model) == ("left", summary.track_id, "yolox")


def test_a_model_that_failed_neither_sees_nor_misses() -> None:
    failed = Look(model="yolox", model_version="", outcome="failed", reason="bad", objects=0)
    readings = [
        dataclasses.replace(one, looks=(*one.looks[:1], failed)) if len(one.looks) == 1 else one
        for one in walking(4000)
    ]
    state, _ = sense(numbered(readings), plan({"gate": GATE}))
    (track,) = state.tracks
    assert track.evidence.observations == track.frames == len(readings)


def test_who_stood_there_when_its_model_looked_last_stands_through_a_still_stretch() -> None:
    compiled = plan({"lawn": LAWN | {"dwell_s": 6.0}})
    stood: list[Found] = [(standing(0.5, 0.6), 0.9, "person")]
    frames = []
    for at in range(0, 4001, 200):
        seen: list[tuple[str, list[Found]]] = [("foreground", [])]
        frames.append(looked(*seen, *([("yolox", stood)] if at % 1000 == 0 else []), at_ms=at))
    frames[-1] = looked(("foreground", []), at_ms=4200)
    _, found = sense(numbered([*frames, beat(9000, still=True)]), compiled)
    assert brief(triggers(found))[-1] == ("lawn", "dwelled", 6000, 0, 6000)


def test_a_restart_at_any_reading_changes_nothing() -> None:
    compiled = plan({"gate": GATE, "lawn": LAWN | {"dwell_s": 2.0}})
    readings = numbered(walking(7000))
    _, whole = sense(readings, compiled)
    assert len(triggers(whole)) == 3
    _, parts = sense(readings, compiled, restart_at=frozenset(range(len(readings))))
    assert parts == whole


def test_no_more_models_are_remembered_than_a_camera_can_have() -> None:
    state = new_state(SITE, CAMERA)
    for reading in numbered(looked((f"model-{n}", []), at_ms=n * 200) for n in range(40)):
        state, _ = step(state, reading, PARTITION, plan())
    assert list(state.looked) == [f"model-{n}" for n in range(40 - MAX_MODELS, 40)]


def test_a_reading_that_contradicts_itself_changes_nothing() -> None:
    state, compiled = new_state(SITE, CAMERA), plan()
    first, second = numbered(list(walking(400)))
    state, _ = step(state, first, PARTITION, compiled)
    with pytest.raises(Rejected, match="its models tell of"):
        step(
            state, dataclasses.replace(second, boxes=(), scores=(), labels=()), PARTITION, compiled
        )
    assert state.applied == first.offset


def named_at(named_ms: int, until_ms: int = 4000) -> Iterator[Reading]:
    """A walker from 0.3 to the right, named for the first time at ``named_ms``."""
    for at in range(0, until_ms, 200):
        box = standing(0.3 + 0.1 * at / 1000, 0.6)
        seen: tuple[str, list[Found]] = ("foreground", [(box, 0.9, "object")])
        named: tuple[str, list[Found]] = ("yolox", [(box, 0.6, "person")] * (at >= named_ms))
        yield looked(seen, *([named] if at % 1000 == 0 else []), at_ms=at)


def test_a_name_that_comes_late_counts_for_what_was_done_before() -> None:
    compiled = plan(
        {"any": GATE | {"classes": None}, "gate": GATE, "lawn": LAWN | {"classes": ["person"]}}
    )
    readings = numbered(named_at(3000))
    _, found = sense(readings, compiled)
    assert brief(triggers(found)) == [
        ("any", "crossed", 2200, 2200, 2200),
        ("lawn", "entered", 200, 200, 3000),
        ("gate", "crossed", 2200, 2200, 3000),
    ]
    assert {item.class_name for item in triggers(found)[1:]} == {"person"}
    _, parts = sense(readings, compiled, restart_at=frozenset(range(len(readings))))
    assert parts == found


def test_a_name_that_comes_too_late_counts_from_then_on() -> None:
    _, found = sense(numbered(named_at(6000, 7000)), plan({"gate": GATE}))
    assert triggers(found) == []


def test_what_waits_for_a_name_is_bounded_and_goes_with_its_track() -> None:
    compiled = plan({"gate": GATE})
    walk = [
        looked(("foreground", [(standing(0.1 + at / 100_000, 0.6), 0.9, "object")]), at_ms=at)
        for at in range(200, 20_000, 20)
    ]
    state, _ = sense(numbered([looked(("yolox", []), at_ms=0), *walk]), compiled)
    (waiting,) = state.unnamed.values()
    assert len(waiting) == MOST and waiting[-1].at == walk[-1].at
    gone = [looked(("foreground", []), at_ms=at) for at in range(20_000, 23_000, 200)]
    state, _ = sense(numbered([looked(("yolox", []), at_ms=0), *walk, *gone]), compiled)
    assert state.unnamed == {}


def test_a_camera_with_one_model_waits_for_no_name() -> None:
    state, _ = sense(
        numbered(
            looked(("foreground", [(standing(0.5, 0.6), 0.9, "object")]), at_ms=at)
            for at in range(0, 2000, 200)
        ),
        plan({"gate": GATE}),
    )
    assert state.tracks[0].confirmed and state.unnamed == {}
