"""Which detections of a frame count."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Rejected
from schemas.records import Look
from streams.core.tracking.detections import (
    GENERIC,
    MAX_DETECTIONS,
    Answered,
    Selection,
    answered,
    select,
)
from tests.unit.streams.core.sensing.scene import frame, looked, standing

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


WALKER = standing(0.5, 0.8)


def test_each_model_has_its_own_classes() -> None:
    here, there = standing(0.2, 0.6), standing(0.8, 0.6)
    reading = looked(
        ("people", [(here, 0.9, "person"), (there, 0.9, "dog")]),
        ("cars", [(here, 0.8, "dog"), (there, 0.8, "car")]),
    )
    only = Selection(
        model_classes=(("cars", frozenset({"car"})), ("people", frozenset({"person"})))
    )
    assert [(d.model, d.label) for d in select(reading, only)] == [
        ("people", "person"),
        ("cars", "car"),
    ]


def test_what_one_model_names_is_no_second_thing_for_one_that_only_sees_it() -> None:
    legs, beside = (0.46, 0.65, 0.54, 0.81), standing(0.2, 0.6)
    reading = looked(
        ("foreground", [(WALKER, 0.95, GENERIC), (legs, 0.9, GENERIC), (beside, 0.8, GENERIC)]),
        ("people", [(standing(0.51, 0.79), 0.4, "person")]),
    )
    found = select(reading, Selection())
    assert [(d.model, d.label, d.score) for d in found] == [
        ("foreground", GENERIC, 0.8),
        ("people", "person", 0.4),
    ]


def test_a_doubtful_name_takes_no_place_from_what_is_surely_there() -> None:
    reading = looked(
        ("foreground", [(WALKER, 0.95, GENERIC)]),
        ("people", [(standing(0.51, 0.79), 0.2, "person")]),
    )
    found = select(reading, Selection(), 0.3)
    assert [(d.label, d.score) for d in found] == [(GENERIC, 0.95), ("person", 0.2)]


def test_two_models_that_agree_on_a_name_have_seen_one_object() -> None:
    reading = looked(
        ("a", [(WALKER, 0.6, "person")]), ("b", [(standing(0.52, 0.82), 0.7, "person")])
    )
    assert [(d.model, d.score) for d in select(reading, Selection())] == [("b", 0.7)]


def test_two_names_by_two_models_are_two_things_in_one_place() -> None:
    reading = looked(("a", [(WALKER, 0.6, "person")]), ("b", [(WALKER, 0.7, "fire")]))
    assert [d.label for d in select(reading, Selection())] == ["fire", "person"]


def test_who_answered_is_who_looked_and_did_not_fail() -> None:
    reading = looked(("a", [(WALKER, 0.6, "person")]), ("b", []))
    failed = Look(model="c", model_version="", outcome="failed", reason="bad", objects=0)
    reading = dataclasses.replace(reading, looks=(failed, *reading.looks))
    assert answered(reading) == [Answered("a", "1", 1), Answered("b", "1", 0)]
    assert answered(frame(0, SPREAD)) == [Answered("yolox", "1", 4)]


def test_a_frame_that_none_answered_is_none_that_was_analysed() -> None:
    failed = Look(model="c", model_version="", outcome="failed", reason="bad", objects=0)
    with pytest.raises(Rejected, match="has 0 objects, but its models tell of none"):
        answered(dataclasses.replace(frame(0), looks=(failed,)))


@pytest.mark.parametrize("objects", [0, 2, -1])
def test_objects_that_belong_to_nobody_are_refused(objects: int) -> None:
    look = Look(model="a", model_version="1", outcome="ok", objects=objects)
    reading = dataclasses.replace(frame(0, [WALKER]), looks=(look,))
    with pytest.raises(Rejected, match="has 1 objects, but its models tell of a"):
        select(reading, Selection())


def test_attributes_are_those_of_all_objects_or_of_none() -> None:
    reading = dataclasses.replace(frame(0, SPREAD), attributes=("{}",))
    with pytest.raises(Rejected, match="1 attributes"):
        select(reading, Selection())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("a", "b")),
            st.floats(0.1, 0.9),
            st.floats(0.3, 0.9),
            st.floats(0.1, 1.0),
            st.sampled_from((GENERIC, "person", "car")),
        ),
        max_size=12,
    )
)
def test_the_order_of_models_and_objects_changes_nothing(
    things: list[tuple[str, float, float, float, str]],
) -> None:
    found = {
        model: [(standing(x, y), score, label) for m, x, y, score, label in things if m == model]
        for model in ("a", "b")
    }
    one = looked(("a", found["a"]), ("b", found["b"]))
    other = looked(("b", found["b"][::-1]), ("a", found["a"][::-1]))
    assert select(one, Selection()) == select(other, Selection())
