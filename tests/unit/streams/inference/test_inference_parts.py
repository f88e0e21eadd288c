"""Light, blobs, pictures, cards, and the examples in the docstrings."""

from __future__ import annotations

import doctest
import importlib
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Rejected
from streams.inference.cards import included_card, included_cards, read_card
from tests.unit.streams.inference.scenes import ground, jpeg, with_things
from triton_models.kit.background import background_of, light_between
from triton_models.kit.blobs import blobs_of
from triton_models.kit.card import BadCard
from triton_models.kit.picture import BadPicture, decode_colour, decode_grey, jpeg_size
from triton_models.kit.reading import card_from
from triton_models.kit.thumbnails import pack

WITH_EXAMPLES = (
    "streams.inference.crops",
    "streams.inference.histories",
    "streams.inference.rates",
    "streams.inference.thumbnails",
    "triton_models.kit.blobs",
    "triton_models.kit.foreground",
    "triton_models.kit.nms",
    "triton_models.kit.thumbnails",
)
GREY = np.asarray(cv2.cvtColor(ground(), cv2.COLOR_BGR2GRAY), np.float32)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0 and result.failed == 0


@settings(deadline=None, max_examples=40)
@given(st.floats(0.5, 2.0), st.floats(-40, 40))
def test_light_is_recovered_though_a_fifth_of_the_picture_moved(gain: float, offset: float) -> None:
    other = np.float32(gain) * GREY + np.float32(offset)
    other[30:110, 60:204] = 255
    found = light_between(other, GREY)
    assert found == pytest.approx((gain, offset), abs=0.02 * 170)
    assert np.abs(found[0] * GREY + found[1] - gain * GREY - offset).max() < 3


def test_a_flat_picture_says_nothing_of_gain() -> None:
    flat = np.full((20, 20), 50, np.float32)
    assert light_between(flat + 30, flat) == (1.0, 30.0)


@pytest.mark.parametrize("count", [2, 3, 6, 9])
def test_the_background_is_the_median(count: int) -> None:
    random = np.random.default_rng(count)
    base = GREY.astype(np.uint8)
    pictures = []
    for index in range(count):
        picture = base.copy()
        if index < (count - 1) // 2:
            picture[random.integers(0, 2, base.shape) > 0] = 255
        pictures.append(picture)
    scene = background_of(pack(pictures))
    assert scene is not None
    assert np.abs(scene.low - base).max() <= 2
    assert count % 2 == 0 or np.abs(scene.high - base).max() <= 2
    assert (scene.low <= scene.high).all()


def test_parts_of_a_body_are_one_and_noise_is_none() -> None:
    excess = np.zeros((100, 200), np.float32)
    excess[20:30, 50:60] = excess[32:50, 48:62] = excess[53:70, 50:60] = 5
    excess[80, 100] = excess[10, 150:152] = 5
    (blob,) = blobs_of(excess)
    assert blob.box == (48, 20, 62, 70)
    assert blob.area == 100 + 18 * 14 + 170 and blob.strength == 5


def test_what_barely_stands_out_anywhere_is_no_object() -> None:
    excess = np.zeros((100, 200), np.float32)
    excess[20:60, 50:70] = 1.1
    assert blobs_of(excess) == []


@pytest.mark.parametrize("size", [(640, 360), (31, 500), (1, 1), (1921, 1080)])
def test_a_jpeg_tells_its_size_and_is_shrunk_to_width(size: tuple[int, int]) -> None:
    encoded = jpeg(np.full((size[1], size[0], 3), 90, np.uint8))
    assert jpeg_size(encoded) == size
    rows, columns = decode_grey(encoded, 240).shape
    assert columns == min(240, size[0])
    assert rows == pytest.approx(size[1] * columns / size[0], abs=0.51)


WHOLE = jpeg(with_things(ground(), [(30, 30, 60, 90)]), 50)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200), st.integers(0, len(WHOLE)), st.booleans())
def test_damaged_pictures_raise_nothing_but_bad_picture(
    noise: bytes, at: int, replace: bool
) -> None:
    damaged = WHOLE[:at] + noise + (WHOLE[at + len(noise) :] if replace else b"")
    for decode in (decode_colour, lambda data: decode_grey(data, 240)):
        try:
            assert decode(damaged).dtype == np.uint8
        except BadPicture as error:
            assert "JPEG" in str(error) or "begin" in str(error)


def test_a_picture_that_would_fill_the_memory_is_refused() -> None:
    huge = bytearray(WHOLE)
    at = huge.index(b"\xff\xc0")
    huge[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(BadPicture, match="65535x65535"):
        decode_colour(bytes(huge))


def test_the_cards_that_come_along_read_well() -> None:
    assert included_cards() == ("fastestdet", "foreground", "yolox")
    yolox = read_card(included_card("yolox"), "yolox")
    assert (len(yolox.labels), yolox.labels[0], yolox.labels[79]) == (80, "person", "toothbrush")
    assert (yolox.width, yolox.colour, yolox.fill, yolox.weightless) == (416, "bgr", 114, False)
    assert read_card(included_card("foreground"), "foreground").labels == ("object",)
    with pytest.raises(Rejected, match="fastestdet, foreground, yolox"):
        included_card("../yolox")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"width": 400}, "multiples of 32"),
        ({"labels": []}, "labels is empty"),
        ({"labels": "person"}, "list of names"),
        ({"labels": [1]}, "list of names"),
        ({"min_score": 1.5}, "min_score"),
        ({"min_score": "much"}, "type float"),
        ({"fill": True}, "type int"),
        ({"colour": "cmyk"}, "allowed are bgr, rgb"),
        ({"decoding": "ssd"}, "allowed are foreground, yolox, yolo, nanodet"),
        ({"fit": "left"}, "allowed are top-left, centre, stretch"),
        ({"mean": [1, 2]}, "mean .* three numbers"),
        ({"std": [1, 2, 0]}, "std above 0"),
        ({"max_objects": 0}, "1..1000"),
        ({"sha256": "abc"}, "64 small hex digits"),
        ({"divide_by": 0}, "divide_by"),
        ({"colours": "bgr"}, "unknown keys colours"),
    ],
)
def test_a_card_says_what_is_wrong_with_it(change: dict[str, Any], said: str) -> None:
    good = asdict(read_card(included_card("yolox"), "yolox"))
    assert card_from(good).name == "yolox"
    with pytest.raises(BadCard, match=said):
        card_from({**good, **change})


@pytest.mark.parametrize("text", ["a: [", "- a", "1: 2", "", "name: x"])
def test_a_text_that_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_card(text, "mine")
    assert refused.value.reason == "bad-card" and "mine" in str(refused.value)
