"""What a camera learns: sizes in perspective, usual scores, where objects begin and come back."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.geometry import Box
from streams.core.tracking.scene import (
    COLUMNS,
    MAX_CLASSES,
    ROWS,
    Doubts,
    Scene,
    begins,
    height_at,
    learn,
    newness,
    resumes,
    worth,
)
from tests.unit.streams.core.sensing.scene import standing

DOUBTS = Doubts()
BORDER, PRIOR = 0.02, 5.0
boxes = st.builds(
    standing,
    st.floats(0.05, 0.95),
    st.floats(0.1, 1.2),
    height=st.floats(0.01, 0.9),
    width=st.floats(0.01, 0.5),
)


def person(bottom: float, *, score: float = 0.9) -> tuple[str, Box, float]:
    """Return one of a street whose horizon is at 0.2: twice as near is twice as tall."""
    return "person", standing(0.5, bottom, height=0.5 * (bottom - 0.2)), score


def street() -> Scene:
    scene = Scene()
    for n in range(60):
        learn(scene, *person(0.4 + 0.01 * n % 0.5))
    return scene


def test_heights_follow_the_perspective() -> None:
    known = street().classes["person"]
    for bottom in (0.45, 0.6, 0.85):
        assert height_at(known, bottom) == pytest.approx(0.5 * (bottom - 0.2), rel=0.03)


def test_what_fits_counts_fully_and_what_does_not_fit_counts_less() -> None:
    scene = street()
    assert worth(scene, *person(0.5), DOUBTS) == 1.0
    giant = standing(0.5, 0.5, height=0.45)
    dwarf = standing(0.5, 0.9, height=0.1)
    for box in (giant, dwarf):
        assert worth(scene, "person", box, 0.9, DOUBTS) == DOUBTS.least
    assert worth(scene, *person(0.5, score=0.5), DOUBTS) == DOUBTS.least
    assert worth(scene, "person", giant, 0.5, DOUBTS) == pytest.approx(DOUBTS.least**2)


def test_what_the_border_cuts_is_not_judged_by_its_height() -> None:
    assert worth(street(), "person", (0.4, 0.9, 0.5, 1.0), 0.9, DOUBTS) == 1.0


def test_another_class_and_a_new_camera_are_not_judged() -> None:
    _, box, _ = person(0.5)
    assert worth(street(), "car", box, 0.2, DOUBTS) == 1.0
    assert worth(Scene(), "person", box, 0.2, DOUBTS) == 1.0


@given(st.lists(st.tuples(boxes, st.floats(0.1, 1.0)), max_size=60), boxes, st.floats(0.1, 1.0))
def test_whatever_was_learned_every_sighting_counts_something(
    lessons: list[tuple[Box, float]], box: Box, score: float
) -> None:
    scene = Scene()
    for lesson, its_score in lessons:
        learn(scene, "person", lesson, its_score)
    assert DOUBTS.least**2 <= worth(scene, "person", box, score, DOUBTS) <= 1.0


@given(st.lists(st.tuples(boxes, st.booleans()), max_size=60), boxes)
def test_newness_is_a_part(events: list[tuple[Box, bool]], box: Box) -> None:
    scene = Scene()
    for place, back in events:
        (resumes if back else begins)(scene, place)
    assert 0.0 <= newness(scene, box, BORDER, PRIOR) <= 1.0


def test_at_the_border_objects_are_new_and_elsewhere_where_they_were_seen_to_begin() -> None:
    scene = Scene()
    border, door = standing(0.03, 0.5), standing(0.5, 0.5)
    assert newness(scene, border, BORDER, PRIOR) == 1.0
    assert newness(scene, door, BORDER, PRIOR) == 0.0
    for _ in range(20):
        begins(scene, door)
        resumes(scene, border)
    assert newness(scene, door, BORDER, PRIOR) == pytest.approx(0.8)
    assert newness(scene, border, BORDER, PRIOR) == pytest.approx(0.2)


def test_a_scene_stays_small_and_is_stored_exactly() -> None:
    scene = Scene(epoch_at=7)
    for n in range(3000):
        x, y = (n * 0.37) % 1, (n * 0.73) % 1
        learn(scene, f"class {n % 40}", standing(x, y), 0.9)
        begins(scene, standing(x, y))
        begins(scene, standing(0.5, 0.5))
    assert len(scene.classes) == MAX_CLASSES
    assert len(scene.begun) <= COLUMNS * ROWS
    assert max(scene.begun.values()) <= 64
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(scene), type=Scene) == scene
