from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from producers.picture import analysed, analysed_jpeg, encoded, scaled
from producers.privacy import black_out
from schemas.errors import Rejected
from tests.unit.producers.parts import camera, noise

unit = st.floats(0, 1)
triangles = st.tuples(*[st.tuples(unit, unit)] * 3).filter(lambda p: Polygon(p).area > 1e-3)


@given(triangles)
def test_every_pixel_inside_a_polygon_is_black_and_those_away_from_it_are_not(
    corners: tuple[tuple[float, float], ...],
) -> None:
    white = np.full((36, 64, 3), 255, np.uint8)
    masked = black_out(white, (corners,))
    shape = Polygon([(x * 64, y * 36) for x, y in corners])
    for row in range(0, 36, 3):
        for column in range(0, 64, 3):
            distance = shape.distance(Point(column + 0.5, row + 0.5))
            if distance == 0:
                assert not masked[row, column].any()
            elif distance > 3:
                assert masked[row, column].all()
    assert white.all()


def test_a_pixel_that_an_edge_only_grazes_is_black_too() -> None:
    white = np.full((90, 160, 3), 255, np.uint8)
    masked = black_out(white, (((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),))
    assert not masked[:, :80].any()


def test_a_masked_picture_shows_nothing_of_the_place_after_scaling_and_jpeg() -> None:
    corner = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))
    settings = camera(privacy=[corner], width=32)
    seen = [analysed_jpeg(noise(seed, 128, 96), settings).jpeg for seed in (1, 2)]
    shown = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1)[:8, :12] for jpeg in seen]
    assert max(int(one.max()) for one in shown) < 40
    assert analysed(noise(1, 128, 96), settings)[:12, :16].max() == 0


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [
        ((768, 432), 640, (640, 360)),
        ((768, 432), "native", (768, 432)),
        ((480, 360), 640, (480, 360)),
        ((383, 215), 200, (200, 112)),
        ((1000, 3), 100, (100, 1)),
        # 12.5 and 37.5 rows: ties go to the even number.
        ((64, 50), 16, (16, 12)),
        ((64, 150), 16, (16, 38)),
    ],
)
def test_the_width_is_never_enlarged_and_the_aspect_kept(
    size: tuple[int, int], width: int | str, expected: tuple[int, int]
) -> None:
    picture = scaled(np.zeros((size[1], size[0], 3), np.uint8), width)
    assert (picture.shape[1], picture.shape[0]) == expected


def test_equal_pictures_give_equal_bytes() -> None:
    one, other = (analysed_jpeg(noise(3, 320, 240), camera(width=160)) for _ in range(2))
    assert one == other
    assert (one.width, one.height) == (160, 120)
    assert analysed_jpeg(noise(4, 320, 240), camera(width=160)).jpeg != one.jpeg


def test_a_picture_too_large_for_jpeg_is_refused() -> None:
    with pytest.raises(Rejected, match="70000x1 cannot be encoded"):
        encoded(np.zeros((1, 70_000, 3), np.uint8))
