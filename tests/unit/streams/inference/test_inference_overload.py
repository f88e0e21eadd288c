"""Frames are left out only when they must be, and never those to keep."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.inference.overload import Load, OverloadConfig, Waiting, answered, step

CONFIG = OverloadConfig(backlog_s=5.0, calm_s=30.0)


def frames(text: str) -> list[Waiting]:
    """One frame a letter: its camera, a capital one to keep."""
    return [Waiting(letter.lower(), letter.isupper()) for letter in text]


def test_a_backlog_that_can_be_worked_off_is_worked_off() -> None:
    fast = Load(frames_per_s=100)
    load, left_out = step(fast, frames("ab" * 30), 400, 0.0, CONFIG)
    assert not left_out and not load.overloaded


def test_nothing_is_left_out_before_the_speed_is_known() -> None:
    _, left_out = step(Load(), frames("a" * 500), 100_000, 0.0, CONFIG)
    assert not left_out


def test_in_overload_the_newest_of_each_camera_and_all_to_keep_stay() -> None:
    load, left_out = step(Load(frames_per_s=10), frames("abCaCba"), 100, 0.0, CONFIG)
    assert load.overloaded
    assert sorted(left_out) == [0, 1, 3]


def test_overload_is_over_when_nothing_had_to_be_left_out_for_a_while() -> None:
    load, _ = step(Load(frames_per_s=10), frames("aa"), 100, 0.0, CONFIG)
    load, left_out = step(load, frames("aa"), 0, 10.0, CONFIG)
    assert left_out
    load, left_out = step(load, frames("ab"), 0, 39.0, CONFIG)
    assert load.overloaded and not left_out
    load, _ = step(load, frames("ab"), 0, 40.0, CONFIG)
    assert not load.overloaded


@given(st.text("abcABC", max_size=40), st.integers(0, 10_000), st.booleans())
def test_every_camera_keeps_its_newest_frame(text: str, behind: int, overloaded: bool) -> None:
    given_frames = frames(text)
    load = Load(frames_per_s=20, overloaded=overloaded)
    _, left_out = step(load, given_frames, behind, 100.0, CONFIG)
    for camera in {one.camera for one in given_frames}:
        newest = max(i for i, one in enumerate(given_frames) if one.camera == camera)
        assert newest not in left_out
    assert not any(given_frames[index].keep for index in left_out)


def test_the_speed_is_smoothed() -> None:
    load = answered(Load(), 10, 1.0)
    assert load.frames_per_s == 10
    assert answered(load, 20, 1.0).frames_per_s == 12
    assert answered(load, 0, 1.0) == load
