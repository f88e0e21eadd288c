"""Which pictures a new version is tried on."""

from __future__ import annotations

import doctest

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.inference.updating import pictures
from streams.inference.updating.pictures import drawn_picture, spread, varied
from tests.unit.streams.inference import scenes


def test_the_doctests() -> None:
    assert doctest.testmod(pictures).failed == 0


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 10))
def test_spread_offsets_are_some_of_them_and_the_newest(low: int, size: int, count: int) -> None:
    offsets = range(low, low + size)
    found = spread(offsets, count)
    assert len(set(found)) == len(found) == min(count, size)
    assert set(found) <= set(offsets)
    assert not size or found[-1] == offsets[-1]


def test_every_camera_comes_before_a_second_picture_of_any() -> None:
    blank = np.zeros((8, 8, 3), np.uint8)
    frames = [scenes.frame(seq, blank, camera="gate") for seq in range(9)]
    frames += [scenes.frame(seq, blank, camera="yard") for seq in range(2)]
    found = [(frame.camera, frame.seq) for frame in varied(frames, 4)]
    assert sorted(found[:2]) == [("gate", 8), ("yard", 1)]
    assert sorted(found[2:]) == [("gate", 7), ("yard", 0)]


def test_the_drawn_picture_is_one() -> None:
    picture = cv2.imdecode(np.frombuffer(drawn_picture(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None and picture.shape == (360, 640, 3)
