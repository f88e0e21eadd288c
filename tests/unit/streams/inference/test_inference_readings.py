"""One reading a frame, whatever its models said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode, encode
from schemas.records import Detections
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.readings import NOT_DUE, OVERLOAD, frame_reading
from tests.unit.streams.inference.scenes import frame

FRAME = frame(3, b"picture")
PEOPLE = Answer((0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0.9), (0.9, 0.4), ("person", "car"), "a", "7")
FIRE = Answer((0.0, 0.0, 0.5, 0.5), (0.5,), ("fire",), "b", "2")
MISSING = Refusal("failed", "model-missing", "c")
AWAY = Refusal("dropped", "model-unavailable", "d")


@st.composite
def outcomes(draw: st.DrawFn) -> list[Outcome]:
    found: list[Outcome] = []
    for name in draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1)):
        count = draw(st.integers(0, 3))
        made: tuple[Outcome, ...] = (
            Answer((0.5,) * 4 * count, (0.5,) * count, ("x",) * count, name, "1"),
            Refusal("failed", "model-failed", name),
            Refusal("dropped", "model-unavailable", name),
        )
        found.append(draw(st.sampled_from(made)))
    return found


@given(outcomes())
def test_nothing_is_lost_and_everything_has_its_model(found: list[Outcome]) -> None:
    reading = frame_reading(FRAME, 5, found)
    assert [look.model for look in reading.looks] == [outcome.model for outcome in found]
    assert sum(look.objects for look in reading.looks) == len(reading.scores)
    assert len(reading.boxes) == 4 * len(reading.scores) == 4 * len(reading.labels)
    whole = {look.outcome for look in reading.looks}
    assert reading.outcome == next(one for one in ("ok", "failed", "dropped") if one in whole)
    assert (reading.reason is None) == (reading.outcome == "ok")
    record = Detections(site="depot-7", partition=0, readings=(reading,))
    assert decode(encode(record)) == record


def test_answers_stand_in_the_order_asked_and_the_first_names_the_frame() -> None:
    reading = frame_reading(FRAME, 5, [MISSING, PEOPLE, FIRE, AWAY])
    assert (reading.outcome, reading.reason) == ("ok", None)
    assert (reading.model, reading.model_version) == ("a", "7")
    assert reading.labels == ("person", "car", "fire")
    assert reading.boxes == PEOPLE.boxes + FIRE.boxes
    assert [(look.model, look.model_version, look.outcome, look.reason, look.objects) for look in
            reading.looks] == [
        ("c", "", "failed", "model-missing", 0),
        ("a", "7", "ok", None, 2),
        ("b", "2", "ok", None, 1),
        ("d", "", "dropped", "model-unavailable", 0),
    ]  # fmt: skip


def test_without_an_answer_a_failure_speaks_louder_than_a_drop() -> None:
    reading = frame_reading(FRAME, 5, [AWAY, MISSING])
    assert (reading.outcome, reading.reason, reading.model) == ("failed", "model-missing", "c")


def test_frames_nobody_looked_at_say_why() -> None:
    overloaded, not_due = frame_reading(FRAME, 5, [OVERLOAD]), frame_reading(FRAME, 5, [])
    assert (overloaded.outcome, overloaded.reason, overloaded.looks) == ("dropped", "overload", ())
    assert (not_due.outcome, not_due.reason) == (NOT_DUE.outcome, NOT_DUE.reason)
    assert not_due.looks == () and not_due.model == ""
