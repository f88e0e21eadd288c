"""Still scenes behind a motion gate: what was seen at last counts as seen again."""

from collections.abc import Iterator
from typing import Any

import pytest

from schemas.records import Reading
from tests.unit.streams.core.sensing.scene import (
    beat,
    brief,
    frame,
    numbered,
    plan,
    sense,
    standing,
    triggers,
)

LAWN = {"kind": "zone", "points": [[0.2, 0.1], [0.8, 0.1], [0.8, 0.9], [0.2, 0.9]]}
HERE = [standing(0.5, 0.6)]


def arriving() -> Iterator[Reading]:
    """Come into the zone at 1.0 s, stand from then on; the last frame is at 2.0 s."""
    for at in range(0, 2001, 200):
        yield frame(at, [standing(min(0.1 + 0.1 * at / 1000, 0.25), 0.6)])


def test_no_track_ends_in_a_still_stretch() -> None:
    still = [frame(at, [standing(0.25, 0.6)], still=True) for at in (12_000, 22_000)]
    compiled = plan({"lawn": LAWN})
    state, found = sense(numbered([*arriving(), *still]), compiled)
    assert [track.evidence.observations for track in state.tracks] == [13]
    assert [item.trigger for item in triggers(found)] == ["entered"]
    moving = [frame(at, [standing(0.25, 0.6)]) for at in (12_000, 22_000)]
    state, found = sense(numbered([*arriving(), *moving]), compiled)
    assert [track.confirmed for track in state.tracks] == [False]


@pytest.mark.parametrize("beats", [(), (3000, 4000, 5000, 5500, 6000, 7000)])
def test_a_hold_is_decided_at_its_deadline_within_the_stretch(beats: tuple[int, ...]) -> None:
    compiled = plan({"lawn": LAWN | {"dwell_s": 4.5}})
    stretch = [beat(at, still=True) for at in beats]
    last = frame(8000, [standing(0.25, 0.6)], still=True)
    _, found = sense(numbered([*arriving(), *stretch, last]), compiled)
    assert brief(triggers(found))[1:] == [("lawn", "dwelled", 5500, 1000, 5500)]


def test_the_frame_that_ends_the_stretch_shows_for_itself_who_is_there() -> None:
    compiled = plan({"lawn": LAWN | {"dwell_s": 4.5}})
    _, found = sense(numbered([*arriving(), frame(5500, [], still=True)]), compiled)
    assert [item.trigger for item in triggers(found)] == ["entered"]
    _, found = sense(numbered([*arriving(), frame(5501, [], still=True)]), compiled)
    assert [item.trigger for item in triggers(found)] == ["entered", "dwelled"]


def test_the_clock_of_absence_runs_on_after_the_stretch() -> None:
    gone = [frame(at, [], still=at == 10_000) for at in range(10_000, 13_001, 200)]
    _, found = sense(numbered([*arriving(), *gone]), plan({"lawn": LAWN}))
    assert brief(triggers(found))[1:] == [("lawn", "left", 12_000, 10_000, 12_000)]


def test_outside_stays_outside_in_a_still_stretch() -> None:
    away = [frame(at, [standing(0.19, 0.6)], still=at > 3000) for at in (2200, 2400, 9000)]
    _, found = sense(numbered([*arriving(), *away]), plan({"lawn": LAWN}))
    assert brief(triggers(found))[1:] == [("lawn", "left", 3000, 2000, 3000)]


@pytest.mark.parametrize("keys", [{"state": "stalled", "still": True}, {"still": False}])
def test_only_a_gate_that_holds_back_frames_stops_the_clock(keys: dict[str, Any]) -> None:
    still = {"state": "online"} | keys
    beats = [beat(at, still.pop("state", "online"), **still) for at in (4500,)]
    _, found = sense(numbered([*arriving(), *beats]), plan({"lawn": LAWN}))
    assert [item.trigger for item in triggers(found)] == ["entered", "left"]


def test_what_an_unanalysed_frame_showed_is_not_known_to_have_stayed() -> None:
    compiled = plan({"lawn": LAWN | {"dwell_s": 4.5}})
    blind = [frame(2200, outcome="dropped"), beat(7000, still=True)]
    state, found = sense(numbered([*arriving(), *blind]), compiled)
    assert [item.trigger for item in triggers(found)] == ["entered"]
    assert len(state.tracks) == 1
