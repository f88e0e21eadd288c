"""Under overload each model of a camera has its own newest frame."""

from __future__ import annotations

from fractions import Fraction

from streams.inference.choosing import Use
from streams.inference.overload import Load, OverloadConfig
from streams.inference.rounds import Shown
from streams.inference.sparing import spare
from tests.unit.streams.inference.scenes import frame

FAST, SLOW = Use("fast"), Use("slow", Fraction(1))
BUSY = Load(looks_per_s=2.0, overloaded=True, left_out_s=0.0)


def second(*, keep: bool = False) -> list[Shown]:
    """One second of a camera whose slow model is due at the first frame alone."""
    return [
        Shown(frame(seq, b"", keep=keep), (FAST, SLOW) if seq == 0 else (FAST,)) for seq in range(5)
    ]


def test_the_slow_model_keeps_the_only_frame_it_was_due_at() -> None:
    _, found = spare(BUSY, second(), 0, 1.0, OverloadConfig())
    assert [[use.model for use in one.shown.uses] for one in found] == [
        ["slow"],
        [],
        [],
        [],
        ["fast"],
    ]
    assert [[(r.outcome, r.reason, r.model) for r in one.left_out] for one in found] == [
        *[[("dropped", "overload", "fast")]] * 4,
        [],
    ]


def test_without_overload_and_of_what_must_be_kept_nothing_is_left_out() -> None:
    for load, shown in ((Load(), second()), (BUSY, second(keep=True))):
        _, found = spare(load, shown, 0, 1.0, OverloadConfig())
        assert [one.shown for one in found] == shown
        assert not any(one.left_out for one in found)


def test_frames_that_nobody_has_to_look_at_take_no_time() -> None:
    nobody = [Shown(frame(seq, b""), ()) for seq in range(50)]
    load, found = spare(Load(looks_per_s=5.0), nobody, 0, 1.0, OverloadConfig())
    assert not load.overloaded and not any(one.left_out for one in found)
