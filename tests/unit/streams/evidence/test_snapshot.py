from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from schemas.errors import Rejected
from streams.evidence.snapshot import decode_jpeg, draw_snapshot
from tests.unit.streams.evidence.evidence_samples import grey_jpeg

JPEG = grey_jpeg(90, 320, 240)
numbers = st.floats(-1e9, 1e9)


def changed(picture: bytes) -> NDArray[Any]:
    """Return where the picture differs clearly from the plain frame, (240, 320) bool."""
    difference = decode_jpeg(picture).astype(int) - decode_jpeg(JPEG).astype(int)
    return np.asarray(np.abs(difference).max(axis=2) > 60)


def test_the_box_is_drawn_where_it_lies_and_its_inside_stays_as_it_was() -> None:
    marks = changed(draw_snapshot(JPEG, (0.25, 0.5, 0.75, 0.9), "intrusion"))
    left, right, top, bottom = round(0.25 * 319), round(0.75 * 319), round(0.5 * 239), 215
    assert marks[130:200, left].all() and marks[130:200, right].all()
    assert marks[bottom, left:right].all() and marks[top, left:right].any()
    assert not marks[130:205, left + 5 : right - 5].any()
    assert not marks[220:].any()


def test_without_a_box_only_the_label_is_drawn() -> None:
    marks = changed(draw_snapshot(JPEG, None, "covered"))
    assert marks[:20, :60].any() and not marks[30:].any()


@settings(max_examples=40)
@given(st.tuples(numbers, numbers, numbers, numbers), st.text(max_size=300))
def test_any_box_and_label_give_a_picture_of_the_same_size(
    box: tuple[float, float, float, float], label: str
) -> None:
    assert decode_jpeg(draw_snapshot(JPEG, box, label)).shape == (240, 320, 3)


def test_a_tiny_frame_can_be_drawn_into() -> None:
    tiny = grey_jpeg(90, 16, 16)
    assert decode_jpeg(draw_snapshot(tiny, (0, 0, 1, 1), "a long label")).shape == (16, 16, 3)


@pytest.mark.parametrize("data", [b"", b"no jpeg", JPEG[:10]])
def test_what_is_no_picture_is_rejected(data: bytes) -> None:
    with pytest.raises(Rejected) as refused:
        draw_snapshot(data, None, "")
    assert refused.value.reason == "bad-jpeg"


@pytest.mark.parametrize("box", [(), (0.1, 0.2), (0.1, 0.2, 0.3, float("nan"))])
def test_a_box_without_four_numbers_is_rejected(box: tuple[float, ...]) -> None:
    with pytest.raises(Rejected) as refused:
        draw_snapshot(JPEG, box, "")
    assert refused.value.reason == "bad-box"
