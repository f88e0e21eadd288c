"""The Kalman filter: time as such, not the number of steps, moves it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.tracking.motion import (
    Motion,
    Noise,
    advance,
    begin,
    box_of,
    correct,
    place,
    settle,
)

NOISE = Noise()
ASPECT = 4 / 3
BOX = (0.4, 0.2, 0.5, 0.6)


def _moving() -> Motion:
    motion = begin(0, BOX, ASPECT, NOISE)
    motion.vx, motion.vy = 0.3, -0.1
    return motion


def _numbers(motion: Motion) -> list[float]:
    return list(msgspec.structs.astuple(motion))


@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_a_prediction_in_steps_is_the_prediction_at_once(steps: list[int]) -> None:
    once, often = _moving(), _moving()
    advance(once, sum(steps), NOISE)
    at = 0
    for step in steps:
        at += step
        advance(often, at, NOISE)
    assert _numbers(often) == pytest.approx(_numbers(once), rel=1e-9)


@pytest.mark.parametrize("interval_ms", [40, 100, 200, 1000])
def test_the_velocity_of_a_steady_walk_is_found_at_any_frame_rate(interval_ms: int) -> None:
    motion = begin(0, BOX, ASPECT, NOISE)
    for at in range(interval_ms, 4001, interval_ms):
        shift = 0.06 * at / 1000
        advance(motion, at, NOISE)
        correct(motion, (0.4 + shift, 0.2, 0.5 + shift, 0.6), ASPECT, 1.0, False, NOISE)
    assert motion.vx == pytest.approx(0.06 * ASPECT, rel=0.05)
    assert motion.vy == pytest.approx(0.0, abs=1e-9)


def test_what_is_seen_again_in_place_gets_surer_and_stays() -> None:
    motion = begin(0, BOX, ASPECT, NOISE)
    advance(motion, 200, NOISE)
    unsure = motion.position_variance
    correct(motion, BOX, ASPECT, 1.0, False, NOISE)
    assert 0 < motion.position_variance < unsure
    assert box_of(motion, ASPECT) == pytest.approx(BOX)


def test_a_still_stretch_moves_nothing() -> None:
    motion = _moving()
    before = box_of(motion, ASPECT)
    settle(motion, 5000)
    advance(motion, 6000, NOISE)
    assert box_of(motion, ASPECT) == pytest.approx(before)


def _after(score: float, crowded: bool) -> Motion:
    motion = begin(0, BOX, ASPECT, NOISE)
    advance(motion, 200, NOISE)
    correct(motion, (0.42, 0.2, 0.54, 0.7), ASPECT, score, crowded, NOISE)
    return motion


@given(st.floats(0.1, 0.99), st.booleans())
def test_an_unsure_detection_moves_an_object_less_and_less_so_in_a_crowd(
    score: float, crowded: bool
) -> None:
    before, sure = begin(0, BOX, ASPECT, NOISE), _after(1.0, False)
    unsure = _after(score, crowded)
    assert before.x < unsure.x < sure.x
    assert before.height < unsure.height < sure.height
    assert unsure.position_variance > sure.position_variance
    assert _after(score, True).x < _after(score, False).x


def test_an_object_s_place_lies_between_what_was_expected_and_what_was_detected() -> None:
    motion = begin(0, BOX, ASPECT, NOISE)
    found = (0.42, 0.22, 0.52, 0.62)
    moved = 0.02 * NOISE.trusted
    assert place(motion, found, ASPECT, NOISE) == pytest.approx([edge + moved for edge in BOX])
    smaller = (0.42, 0.22, 0.5, 0.5)
    x1, y1, x2, y2 = place(motion, smaller, ASPECT, NOISE)
    assert (x2 - x1, y2 - y1) == pytest.approx((0.1, 0.4))


def test_a_box_that_the_border_cuts_is_the_place() -> None:
    motion = begin(0, BOX, ASPECT, NOISE)
    assert place(motion, (0.0, 0.2, 0.05, 0.6), ASPECT, NOISE) == (0.0, 0.2, 0.05, 0.6)
