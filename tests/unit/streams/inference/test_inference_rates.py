"""Each model's own rate: the rule of sampling, from the frame before alone."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from producers.sampler import Sampler
from streams.inference.choosing import Use
from streams.inference.rates import due, takes
from tests.unit.streams.inference.scenes import EPOCH_AT, frame

RATES = st.fractions(Fraction(1, 100), 60, max_denominator=1001) | st.none()
STEPS = st.lists(st.integers(1, 5000), max_size=60)


@given(RATES, STEPS)
def test_a_model_takes_the_frames_that_the_sampler_would(
    fps: Fraction | None, steps: list[int]
) -> None:
    sampler, ms, before = Sampler(fps), 0, None
    for step in [0, *steps]:
        ms += step
        assert takes(fps, ms, before) is sampler.takes(ms)
        before = ms


@given(RATES, STEPS, st.integers(1, 50))
def test_a_slower_model_takes_no_frame_that_the_faster_multiple_does_not(
    fps: Fraction | None, steps: list[int], times: int
) -> None:
    ms, before = 0, None
    for step in [0, *steps]:
        ms += step
        if takes(fps, ms, before):
            assert takes(None if fps is None else fps * times, ms, before)
        before = ms


def test_the_models_due_keep_their_order_and_all_look_at_the_first_frame() -> None:
    uses = (Use("fire", Fraction(1)), Use("foreground", Fraction(5)), Use("people"))
    names, before = [], None
    for seq, ms in enumerate((0, 100, 200, 950, 1000)):
        one = frame(seq, b"", captured_at=EPOCH_AT + ms)
        names.append([use.model for use in due(uses, one, before)])
        before = one.captured_at
    assert names == [
        ["fire", "foreground", "people"],
        ["people"],
        ["foreground", "people"],
        ["foreground", "people"],
        ["fire", "foreground", "people"],
    ]


def test_times_that_do_not_rise_bring_no_look() -> None:
    assert not takes(Fraction(5), 1000, 1000) and not takes(Fraction(5), 800, 1000)
