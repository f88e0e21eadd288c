"""Frames are functions of seed and index alone, and show what the true boxes say."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.scene import FPS, HEIGHT, WIDTH, boxes, draw
from producers.scene.background import background
from producers.scene.furniture import POSTER
from producers.scene.light import light
from producers.scene.programme import CYCLE_FRAMES, cycle
from producers.scene.shapes import Picture

FRAMES = st.integers(0, 10 * CYCLE_FRAMES)


def grey(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def changed(seed: int, index: int) -> Picture:
    """Return by how many grey levels a frame differs from the empty scene in the same light."""
    empty = cv2.convertScaleAbs(background(seed), alpha=light(seed, index))
    difference = cv2.absdiff(grey(draw(seed, index)), grey(np.asarray(empty, np.uint8)))
    return np.asarray(cv2.GaussianBlur(difference, (5, 5), 0), np.uint8)


def test_a_frame_is_a_picture_of_its_own() -> None:
    picture = draw(1, 100)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.dtype(np.uint8)
    before = picture.copy()
    picture[:] = 0
    assert np.array_equal(draw(1, 100), before)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 5), index=FRAMES, other=FRAMES)
def test_a_frame_does_not_depend_on_those_drawn_before(seed: int, index: int, other: int) -> None:
    first = draw(seed, index)
    draw(seed, other)
    background.cache_clear()
    cycle.cache_clear()
    assert np.array_equal(draw(seed, index), first)


def test_seeds_and_cycles_differ_in_who_walks() -> None:
    looks = [[walker.look for walker in cycle(*of).walkers] for of in ((1, 0), (2, 0), (1, 2))]
    assert looks[0] != looks[1]
    assert looks[0] != looks[2]


def test_noise_differs_from_frame_to_frame_and_is_slight() -> None:
    one, other = draw(1, 0).astype(int), draw(1, 1).astype(int)
    assert 0.5 < np.abs(one - other).mean() < 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_changes_outside_the_boxes(seed: int) -> None:
    for index in range(7, 2 * CYCLE_FRAMES, 61):
        rest = changed(seed, index)
        for _, x1, y1, x2, y2 in boxes(seed, index):
            # A body's soft shadow reaches a little beyond it.
            left, right = round((x1 - 0.03) * WIDTH), round((x2 + 0.03) * WIDTH)
            top, bottom = round((y1 - 0.01) * HEIGHT), round((y2 + 0.02) * HEIGHT)
            rest[max(0, top) : bottom, max(0, left) : right] = 0
        assert rest.max() < 12, (seed, index)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_is_there_stands_out_in_grey(seed: int) -> None:
    for index in range(7, 2 * CYCLE_FRAMES, 61):
        difference = changed(seed, index)
        for name, x1, y1, x2, y2 in boxes(seed, index):
            inside = difference[
                round(y1 * HEIGHT) : round(y2 * HEIGHT), round(x1 * WIDTH) : round(x2 * WIDTH)
            ]
            if inside.shape[1] > 8:
                assert (inside > 20).mean() > 0.25, (seed, index, name)


def test_the_poster_is_in_the_picture_and_never_changes() -> None:
    x1, y1, x2, y2 = POSTER
    assert background(1)[y1:y2, x1:x2].std() > 30
    assert max(changed(1, index)[y1:y2, x1:x2].max() for index in range(0, 600, 47)) < 12


def test_light_changes_slowly_and_once_quickly_and_joins_between_cycles() -> None:
    lights = np.array([light(1, index) for index in range(2 * CYCLE_FRAMES)])
    steps = np.abs(np.diff(lights))
    assert 0.8 <= lights.min() < 0.9
    assert 1.08 < lights.max() <= 1.13
    assert steps.max() < 0.05
    quick = steps[:CYCLE_FRAMES] > 0.01
    assert 1 <= quick.sum() <= FPS
    assert light(1, CYCLE_FRAMES) == light(1, 0) == 1.0
