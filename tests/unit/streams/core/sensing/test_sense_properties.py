"""What must hold of sensing whatever the scene: restarts, beats, order, symmetry."""

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Reading, Trigger
from streams.core.geometry import Box
from streams.core.sense import Sensing
from streams.core.sensors.line import LineState
from streams.core.sensors.zone import ZoneState
from tests.unit.streams.core.sensing.scene import (
    EPOCH,
    beat,
    brief,
    frame,
    numbered,
    plan,
    sense,
    standing,
    triggers,
)

SENSORS: dict[str, dict[str, Any]] = {
    "door": {"kind": "line", "points": [[0.5, 0.1], [0.45, 0.5], [0.5, 0.95]]},
    "lawn": {
        "kind": "zone",
        "points": [[0.3, 0.2], [0.7, 0.2], [0.7, 0.9], [0.3, 0.9]],
        "enter_after_s": 0.3,
        "leave_after_s": 0.7,
        "dwell_s": 1.1,
        "occupancy": {"min": 2, "for_s": 0.5},
    },
}
COMPILED = plan(SENSORS, lost_s=1.3)


@st.composite
def scenes(draw: st.DrawFn) -> list[Reading]:
    """A few objects that wander, vanish and come back, at uneven intervals, over two epochs."""
    places = draw(
        st.lists(st.tuples(st.floats(0.1, 0.9), st.floats(0.3, 0.9)), min_size=1, max_size=3)
    )
    readings: list[Reading] = []
    at, epoch_at = 0, EPOCH
    for _ in range(draw(st.integers(3, 25))):
        at += draw(st.sampled_from([90, 200, 200, 200, 700, 1300]))
        if draw(st.integers(0, 20)) == 0:
            epoch_at = EPOCH + at
        boxes: list[Box] = []
        for index, (x, y) in enumerate(places):
            step = draw(st.floats(-0.06, 0.06))
            places[index] = (min(max(x + step, 0.0), 1.0), y)
            if draw(st.integers(0, 6)):
                boxes.append(standing(places[index][0], y))
        scores = draw(st.lists(st.floats(0.05, 1.0), min_size=len(boxes), max_size=len(boxes)))
        outcome = "ok" if draw(st.integers(0, 15)) else "dropped"
        still = draw(st.integers(0, 9)) == 0
        readings.append(
            frame(at, boxes, scores=scores, epoch_at=epoch_at, outcome=outcome, still=still)
        )
    return [*readings, beat(at + 90_000, "offline", epoch_at=epoch_at)]


def told(found: Sequence[Sensing]) -> list[object]:
    """Return all that was said, but for the beats and the numbering of records."""
    said: list[object] = []
    for name in ("tracks", "observations", "counts"):
        said += [record for sensing in found for record in getattr(sensing, name)]
    for sensing in found:
        if sensing.sensed:
            said += [*sensing.sensed.triggers, *sensing.sensed.reports]
    return said


@settings(max_examples=40)
@given(scenes(), st.data())
def test_a_restart_at_any_moment_changes_nothing(
    readings: list[Reading], data: st.DataObject
) -> None:
    readings = numbered(readings)
    at = data.draw(st.frozensets(st.integers(0, len(readings) - 1), max_size=5))
    state, found = sense(readings, COMPILED)
    restored, again = sense(readings, COMPILED, restart_at=at)
    assert again == found
    assert msgspec.msgpack.encode(restored) == msgspec.msgpack.encode(state)


@settings(max_examples=60)
@given(scenes(), st.data())
def test_beats_anywhere_change_nothing_but_their_echoes(
    readings: list[Reading], data: st.DataObject
) -> None:
    # Offsets leave room, so that the frames keep theirs: references to frames name them.
    plain = [
        dataclasses.replace(item, offset=10 * index)
        for index, item in enumerate(numbered(readings))
    ]
    merged = plain[:1]
    for previous, reading in pairwise(plain):
        times = data.draw(
            st.lists(st.integers(previous.at, reading.at - 1), max_size=2).map(sorted)
        )
        # A beat speaks of its own moment: of the epoch and the stillness in which it comes.
        still = reading.still and reading.epoch_at == previous.epoch_at
        merged += [
            beat(at - EPOCH, epoch_at=previous.epoch_at, still=still, offset=previous.offset + n)
            for n, at in enumerate(times, start=1)
        ]
        merged.append(reading)
    expected = told(sense(plain, COMPILED)[1])
    found = sense(merged, COMPILED)[1]
    assert told(found) == expected
    assert [s.sensed.beat for s in found if s.sensed and s.sensed.beat] == [
        item.state for item in merged if item.kind == "beat"
    ]


@settings(max_examples=40)
@given(scenes(), st.randoms(use_true_random=False))
def test_the_order_of_detections_does_not_matter(readings: list[Reading], random: Random) -> None:
    shuffled: list[Reading] = []
    for reading in readings:
        order = list(range(len(reading.scores)))
        random.shuffle(order)
        shuffled.append(
            dataclasses.replace(
                reading,
                boxes=tuple(v for i in order for v in reading.boxes[4 * i : 4 * i + 4]),
                scores=tuple(reading.scores[i] for i in order),
                labels=tuple(reading.labels[i] for i in order),
            )
        )
    assert sense(numbered(shuffled), COMPILED)[1] == sense(numbered(readings), COMPILED)[1]


@settings(max_examples=40)
@given(scenes())
def test_what_is_promised_of_times_and_ids_holds(readings: list[Reading]) -> None:
    _, found = sense(numbered(readings), COMPILED)
    reached = 0
    seen: list[Trigger] = []
    for sensing in found:
        if sensing.sensed is None:
            continue
        for item in sensing.sensed.triggers:
            assert reached <= item.known_at <= sensing.sensed.at
            assert item.since_at <= item.triggered_at <= item.known_at
        reached = sensing.sensed.at
        seen += sensing.sensed.triggers
    assert [item.known_at for item in seen] == sorted(item.known_at for item in seen)
    assert len({item.trigger_id for item in seen}) == len(seen)


@settings(max_examples=40)
@given(scenes())
def test_nothing_is_left_of_what_has_ended(readings: list[Reading]) -> None:
    state, found = sense(numbered([*readings, beat(10_000_000, "offline")]), COMPILED)
    assert (state.tracks, state.departed, state.recent, state.counts.cells) == ([], {}, {}, {})
    door, lawn = state.sensors["door"], state.sensors["lawn"]
    assert isinstance(door, LineState) and isinstance(lawn, ZoneState)
    assert (door.passers, lawn.visits, lawn.inside, lawn.full_from) == ({}, {}, 0, None)
    rows = {row.track for sensing in found for row in sensing.observations}
    assert rows == {track.track_id for sensing in found for track in sensing.tracks}


Told = tuple[tuple[str, str, int, int, int], str | None]


def _two_walkers(mirror: bool) -> list[Told]:
    """Two objects that cross the line in opposite directions, as seen or in a mirror."""

    def x_of(x: float) -> float:
        return 1 - x if mirror else x

    readings = [
        frame(at, [standing(x_of(0.2 + 0.00012 * at), 0.5), standing(x_of(0.9 - 0.0001 * at), 0.8)])
        for at in range(0, 6001, 200)
    ]
    sensors = {
        name: keys | {"points": [[x_of(x), y] for x, y in keys["points"]]}
        for name, keys in SENSORS.items()
    }
    found = triggers(sense(numbered(readings), plan(sensors))[1])
    return [(brief([item])[0], item.direction) for item in found]


def test_a_mirrored_scene_is_the_same_with_directions_turned() -> None:
    turned = {"forward": "backward", "backward": "forward"}
    told = _two_walkers(mirror=False)
    assert {direction for _, direction in told} == {None, "forward", "backward"}
    assert _two_walkers(mirror=True) == [
        (what, direction and turned[direction]) for what, direction in told
    ]
