"""``link``: a camera from which no frame comes."""

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
    triggers,
)


def told(readings: list[Reading], **camera: Any) -> list[tuple[str, int, int, int]]:
    compiled = plan({"wire": {"kind": "link", "for_s": 10}}, **camera)
    _, found = sense(numbered(readings), compiled, restart_at=frozenset(range(len(readings))))
    return [item[1:] for item in brief(triggers(found))]


@pytest.mark.parametrize("every_ms", [200, 1000, 3000])
def test_offline_at_the_deadline_whatever_the_beats_and_online_with_the_next_frame(
    every_ms: int,
) -> None:
    silence = [beat(at, "stalled") for at in range(1000 + every_ms, 20_000, every_ms)]
    looks = [frame(0), frame(1000), *silence, frame(20_000), frame(20_200)]
    first = told(looks)
    assert [item[:3] for item in first] == [("offline", 11_000, 1000), ("online", 20_000, 20_000)]
    assert first[0][3] == 11_000


def test_what_comes_exactly_at_the_deadline_is_too_late() -> None:
    assert [item[0] for item in told([frame(0), frame(10_000)])] == ["offline", "online"]
    assert told([frame(0), frame(9_999)]) == []


def test_beats_of_a_camera_that_sends_frames_keep_it_online() -> None:
    assert told([frame(0), *(beat(at) for at in range(1000, 30_000, 1000))]) == []


def test_a_still_stretch_is_not_absence() -> None:
    assert told([frame(0), frame(15_000, still=True)], motion_gate=True) == []


def test_a_camera_that_was_never_there_is_told_once() -> None:
    beats = [beat(at, "offline", epoch_at=None) for at in range(0, 40_000, 1000)]
    assert told(beats) == [("offline", 10_000, 0, 10_000)]


def test_frames_that_were_dropped_have_come_all_the_same() -> None:
    looks = [frame(at, outcome="dropped", reason="overload") for at in range(0, 30_000, 5000)]
    assert told(looks) == []
