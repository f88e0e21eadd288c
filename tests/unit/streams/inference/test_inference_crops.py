"""Cut-outs of what detectors found, and attributes out of what is said of them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.inference.answer import Answer, Refusal
from streams.inference.choosing import Use
from streams.inference.crops import (
    MOST,
    MOST_LABELS,
    Attributed,
    Crop,
    area_of,
    attributed,
    crops_of,
)
from triton_models.kit.picture import decode_colour

PEOPLE = Answer((0.1, 0.2, 0.3, 0.6, 0.5, 0.1, 0.9, 0.9), (0.4, 0.9), ("person", "car"), "a", "1")
MORE = Answer((0.6, 0.2, 0.8, 0.6), (0.7,), ("person",), "b", "1")
MISSING = Refusal("failed", "model-missing", "c")
EDGES = st.floats(-2, 3)


def picture() -> bytes:
    """A picture that is red on its left and blue on its right half."""
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, :100, 2] = image[:, 100:, 0] = 255
    return cv2.imencode(".jpg", image)[1].tobytes()


def said(model: str, *found: tuple[str, float]) -> Answer:
    scores, labels = tuple(s for _, s in found), tuple(name for name, _ in found)
    return Answer((0.0, 0.0, 1.0, 1.0) * len(found), scores, labels, model, "5")


def test_each_model_sees_its_classes_best_first_and_padded() -> None:
    uses = (Use("ppe", classes=frozenset({"person"})), Use("colour"))
    crops = crops_of(picture(), [PEOPLE, MISSING, MORE], uses)
    assert [(crop.model, crop.index) for crop in crops] == [
        ("ppe", 2),
        ("ppe", 0),
        ("colour", 1),
        ("colour", 2),
        ("colour", 0),
    ]
    left = decode_colour(crops[1].jpeg)
    assert left.shape == (48, 48, 3)
    assert left[:, :, 2].min() > 230 and left[:, :, 0].max() < 20


def test_nothing_to_look_at_costs_nothing() -> None:
    assert crops_of(b"never decoded", [PEOPLE], (Use("ppe", classes=frozenset({"dog"})),)) == []
    assert crops_of(b"never decoded", [MISSING], (Use("ppe"),)) == []
    assert crops_of(b"no picture", [PEOPLE], (Use("ppe"),)) == []


def test_a_crowd_is_cut_down_to_the_best() -> None:
    count = 3 * MOST
    scores = tuple(0.1 + index / 100 for index in range(count))
    crowd = Answer((0.1, 0.1, 0.5, 0.9) * count, scores, ("person",) * count, "a", "1")
    crops = crops_of(picture(), [crowd], (Use("ppe"),))
    assert [crop.index for crop in crops] == list(range(count - 1, count - 1 - MOST, -1))


@given(st.tuples(EDGES, EDGES, EDGES, EDGES), st.integers(1, 900), st.integers(1, 900))
def test_a_cut_out_lies_in_the_picture(
    box: tuple[float, float, float, float], width: int, height: int
) -> None:
    area = area_of(box, width, height)
    if area is not None:
        assert 0 <= area[0] < area[2] <= width and 0 <= area[1] < area[3] <= height


@pytest.mark.parametrize(
    "box", [(0.1, 0.1, 0.1, 0.5), (0.5, 0.1, 0.2, 0.5), (1.5, 0, 2, 1), (0, 0, float("inf"), 1)]
)
def test_what_shows_nothing_is_not_cut_out(box: tuple[float, float, float, float]) -> None:
    assert area_of(box, 640, 480) is None


def test_attributes_stand_with_their_objects_the_best_score_of_each_label() -> None:
    crops = [Crop("ppe", 2, b""), Crop("ppe", 0, b""), Crop("colour", 2, b"")]
    answers = [
        said("ppe", ("helmet", 0.4), ("helmet", 0.8), ("vest", 0.5)),
        said("ppe"),
        said("colour", ("red", 0.6)),
    ]
    found = attributed([PEOPLE, MORE], crops, answers)
    assert [json.loads(text) for text in found.attributes] == [
        {"ppe": {}},
        {},
        {"colour": {"red": 0.6}, "ppe": {"helmet": 0.8, "vest": 0.5}},
    ]
    assert found.outcomes == (
        Answer((), (), (), "ppe", "5"),
        Answer((), (), (), "colour", "5"),
    )


def test_of_many_labels_the_surest_are_told() -> None:
    many = said("ppe", *((f"label-{n:02}", n / 100) for n in range(40)))
    (text, _) = attributed([PEOPLE], [Crop("ppe", 0, b"")], [many]).attributes
    assert list(json.loads(text)["ppe"]) == [f"label-{n}" for n in range(40 - MOST_LABELS, 40)]


def test_a_failure_is_told_and_takes_nothing_from_the_others() -> None:
    failed = Refusal("failed", "model-failed", "ppe")
    crops = [Crop("ppe", 0, b""), Crop("ppe", 1, b"")]
    found = attributed([PEOPLE], crops, [failed, said("ppe", ("helmet", 0.8))])
    assert found.outcomes == (failed,)
    assert found.attributes == ("{}", '{"ppe":{"helmet":0.8}}')


def test_that_nothing_was_seen_is_told_and_that_nobody_looked_is_not() -> None:
    crops = [Crop("ppe", 0, b"")]
    assert attributed([PEOPLE], crops, [said("ppe")]).attributes == ('{"ppe":{}}', "{}")
    failed = Refusal("failed", "model-failed", "ppe")
    assert attributed([PEOPLE], crops, [failed]).attributes == ()
    assert attributed([PEOPLE], [], []) == Attributed()
