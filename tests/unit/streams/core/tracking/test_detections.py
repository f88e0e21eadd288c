"""Which detections of a frame count."""

import dataclasses

import pytest

from schemas.errors import Rejected
from streams.core.tracking.detections import MAX_DETECTIONS, Selection, select
from tests.unit.streams.core.sensing.scene import frame, standing

SPREAD = [standing(0.2 + 0.2 * n, 0.6) for n in range(4)]


def test_the_weakest_detections_never_count() -> None:
    reading = frame(0, SPREAD, scores=[0.0999, 0.1, 0.5, 1.5])
    assert [item.score for item in select(reading, Selection())] == [1.0, 0.5, 0.1]


def test_classes_of_the_camera_and_of_the_model_both_limit() -> None:
    reading = frame(0, SPREAD, labels=["person", "car", "dog", "person"])
    both = Selection(
        classes=frozenset({"person", "car"}),
        model_classes=(("yolox", frozenset({"car", "dog"})), ("other", frozenset({"cat"}))),
    )
    assert [item.label for item in select(reading, both)] == ["car"]


def test_ignored_is_what_stands_in_the_polygon_and_not_what_reaches_into_it() -> None:
    upper = Selection(ignore=(((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)),))
    boxes = [standing(0.3, 0.5), standing(0.7, 0.51)]
    assert [item.box for item in select(frame(0, boxes), upper)] == [boxes[1]]


def test_one_object_seen_twice_counts_once_whatever_it_is_called() -> None:
    car, truck = (0.2, 0.2, 0.6, 0.5), (0.2, 0.2, 0.6, 0.51)
    rider, bicycle = (0.7, 0.3, 0.8, 0.6), (0.7, 0.42, 0.8, 0.68)
    reading = frame(
        0,
        [truck, car, rider, bicycle],
        scores=[0.5, 0.6, 0.7, 0.8],
        labels=["truck", "car", "person", "bicycle"],
    )
    found = select(reading, Selection())
    assert [item.label for item in found] == ["bicycle", "person", "car"]


@pytest.mark.parametrize(
    "box", [(0.5, 0.5, 0.5, 0.6), (0.5, 0.6, 0.6, 0.5), (0.5, 0.5, 1e9, 0.6), (-1e300, 0, 1, 1)]
)
def test_broken_boxes_do_not_count(box: tuple[float, float, float, float]) -> None:
    assert select(frame(0, [box]), Selection()) == []


def test_a_frame_full_of_noise_keeps_the_strongest() -> None:
    boxes = [(n / 400, 0.1, n / 400 + 0.001, 0.2) for n in range(MAX_DETECTIONS + 50)]
    scores = [0.2 + n / 400 for n in range(len(boxes))]
    found = select(frame(0, boxes, scores=scores), Selection())
    assert [item.score for item in found] == sorted(scores)[::-1][:MAX_DETECTIONS]


def test_uneven_lists_are_refused_with_the_frame_named() -> None:
    reading = dataclasses.replace(frame(0, SPREAD), labels=("person",))
    with pytest.raises(
        Rejected, match=r"frame 0 of camera 'gate' has 16 box coordinates"
    ) as caught:
        select(reading, Selection())
    assert caught.value.reason == "uneven-detections"
