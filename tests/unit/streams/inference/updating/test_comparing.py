"""What a new version may say, and what not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Look
from streams.inference.answer import Answer
from streams.inference.updating.comparing import Limits, differing, unsound
from streams.inference.updating.watching import FEWEST_FAILURES, Watch, hear, judged

LEFT, RIGHT = (0.1, 0.1, 0.2, 0.5), (0.6, 0.1, 0.8, 0.5)


def answer(*objects: tuple[tuple[float, ...], float], label: str = "person") -> Answer:
    return Answer(
        boxes=tuple(edge for box, _ in objects for edge in box),
        scores=tuple(score for _, score in objects),
        labels=(label,) * len(objects),
        model="yolox",
        model_version="1",
    )


STRICT = Limits(5.0, max_missing=0.0, max_score_change=0.0)
scores = st.floats(0, 1)
boxes = st.tuples(st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0.5, 1), st.floats(0.5, 1))


@given(st.lists(st.tuples(boxes, scores), max_size=6))
def test_the_same_answer_is_sound_and_differs_in_nothing(
    objects: list[tuple[tuple[float, ...], float]],
) -> None:
    same = answer(*objects)
    assert unsound(same) == []
    assert differing([same], [same], STRICT) == []


def test_a_missing_object_counts_and_a_weak_one_does_not() -> None:
    old = answer((LEFT, 0.9), (RIGHT, 0.2))
    assert differing([old], [answer((LEFT, 0.9))], STRICT) == []
    (problem,) = differing([old], [answer((RIGHT, 0.9))], STRICT)
    assert problem.startswith("100% of the 1 objects")
    assert differing([old], [answer()], Limits(5.0)) == []


def test_another_class_is_another_object() -> None:
    other = answer((LEFT, 0.9), label="dog")
    assert differing([answer((LEFT, 0.9))], [other], STRICT) != []


def test_one_object_stands_for_one() -> None:
    old = answer((LEFT, 0.9), (LEFT, 0.8))
    (problem,) = differing([old], [answer((LEFT, 0.9))], STRICT)
    assert problem.startswith("50% of the 2 objects")


def test_scores_may_change_by_the_limit() -> None:
    old, new = answer((LEFT, 0.9), (RIGHT, 0.5)), answer((LEFT, 0.8), (RIGHT, 0.5))
    assert differing([old], [new], Limits(5.0, max_score_change=0.06)) == []
    (problem,) = differing([old], [new], Limits(5.0, max_score_change=0.04))
    assert "0.050" in problem


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (answer(((math.nan, 0, 1, 1), 0.5)), "finite"),
        (answer(((0, 0, 500.0, 1), 0.5)), "far outside"),
        (answer(((0.5, 0, 0.1, 1), 0.5)), "swapped"),
        (answer((LEFT, math.nan)), "scores"),
        (answer((LEFT, 1.5)), "scores"),
        (Answer((0.0,), (0.5,), ("a",), "yolox", "1"), "different numbers"),
    ],
    ids=["nan", "far", "swapped", "nan score", "score", "shape"],
)
def test_numbers_that_no_detector_may_give(bad: Answer, says: str) -> None:
    assert any(says in problem for problem in unsound(bad))


def watched(failed: int, answered: int) -> Watch:
    watch = Watch("yolox", "2", 1000, max_error_rate=0.1)
    fail = Look(model="yolox", model_version="", outcome="failed", reason="model-failed", objects=0)
    ok = Look(model="yolox", model_version="2", outcome="ok", objects=1)
    for look in [fail] * failed + [ok] * answered:
        watch = hear(watch, look)
    return watch


@given(st.integers(0, 30), st.integers(0, 300), st.integers(0, 2000))
def test_a_version_is_bad_by_number_and_share(failed: int, answered: int, now_at: int) -> None:
    bad = failed >= FEWEST_FAILURES and failed > 0.1 * (failed + answered)
    expected = "bad" if bad else "good" if now_at >= 1000 else "watched"
    assert judged(watched(failed, answered), now_at) == expected


@pytest.mark.parametrize(
    "look",
    [
        Look(model="other", model_version="2", outcome="ok", objects=0),
        Look(model="yolox", model_version="1", outcome="ok", objects=0),
        Look(model="yolox", model_version="", outcome="failed", reason="bad-jpeg", objects=0),
        Look(model="yolox", model_version="", outcome="dropped", reason="overload", objects=0),
    ],
    ids=["another model", "the version before", "a bad frame", "overload"],
)
def test_what_says_nothing_of_the_version(look: Look) -> None:
    watch = Watch("yolox", "2", 1000, max_error_rate=0.1)
    assert hear(watch, look) == watch
