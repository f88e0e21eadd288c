from __future__ import annotations

from producers.answers import Ahead
from schemas.records import Reading


def reading(camera: str, epoch_at: int, seq: int, kind: str = "frame") -> Reading:
    return Reading(
        kind=kind,  # type: ignore[arg-type]
        camera=camera,
        offset=0,
        epoch_at=epoch_at,
        seq=seq,
        at=0,
        config_version=1,
        state="online",
        still=False,
        outcome="ok",
        width=1,
        height=1,
        source_width=1,
        source_height=1,
        model="foreground",
        model_version="1",
        boxes=(),
        scores=(),
        labels=(),
    )


def test_frames_are_on_their_way_until_they_are_answered() -> None:
    ahead = Ahead()
    for seq in range(5):
        ahead.wrote("gate", 100, seq)
    ahead.wrote("yard", 100, 0)
    ahead.answered([reading("gate", 100, 0), reading("gate", 100, 1)])
    assert (ahead.count("gate"), ahead.count("yard")) == (3, 1)


def test_an_answer_covers_what_stands_before_it_and_old_ones_nothing() -> None:
    ahead = Ahead()
    for epoch_at, seq in ((100, 7), (100, 8), (900, 0), (900, 1)):
        ahead.wrote("gate", epoch_at, seq)
    ahead.answered([reading("gate", 50, 99)])
    assert ahead.count("gate") == 4
    ahead.answered([reading("gate", 900, 0)])
    assert ahead.count("gate") == 1


def test_beats_and_unknown_cameras_answer_nothing() -> None:
    ahead = Ahead()
    ahead.wrote("gate", 100, 0)
    ahead.answered([reading("gate", 100, -1, "beat"), reading("other", 100, 5)])
    assert ahead.count("gate") == 1


def test_what_was_not_written_after_all_is_not_waited_for() -> None:
    ahead = Ahead()
    ahead.wrote("gate", 100, 0)
    ahead.wrote("gate", 100, 1)
    ahead.withdrew("gate", 100, 1)
    ahead.withdrew("gate", 100, 5)
    assert ahead.count("gate") == 1
    ahead.forget("gate")
    assert ahead.count("gate") == 0
