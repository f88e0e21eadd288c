"""One reading a frame, whatever its models said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode, encode
from schemas.records import Beat, Detections, Reading
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.readings import (
    MAX_OBJECTS,
    MAX_READINGS,
    NOT_DUE,
    OVERLOAD,
    beat_reading,
    detections_of,
    frame_reading,
)
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


def test_a_reading_says_what_became_of_the_frame() -> None:
    one = frame(4, b"", still=True, config_version=2)
    seen = Answer((0.0, 0.1, 0.2, 0.3), (0.5,), ("object",), "foreground", "3")
    cases: list[tuple[Outcome, tuple[object, ...]]] = [
        (seen, ("ok", None, "foreground", "3", (0.5,))),
        (OVERLOAD, ("dropped", "overload", "", "", ())),
        (Refusal("failed", "bad-jpeg", "yolox"), ("failed", "bad-jpeg", "yolox", "", ())),
    ]
    for outcome, said in cases:
        r = frame_reading(one, 17, [outcome])
        assert (r.outcome, r.reason, r.model, r.model_version, r.scores) == said
        assert (r.kind, r.camera, r.offset, r.seq, r.at) == (
            "frame",
            "gate",
            17,
            4,
            one.captured_at,
        )
        assert (r.still, r.config_version, r.width) == (True, 2, one.width)


def test_readings_share_a_record_until_it_gets_too_big() -> None:
    beat = Beat(site="s", camera="gate", beat_at=5, state="stalled", config_version=1)
    small: list[Reading] = [beat_reading(beat, offset) for offset in range(2 * MAX_READINGS + 1)]
    records = list(detections_of("s", 3, small))
    assert [len(r.readings) for r in records] == [MAX_READINGS, MAX_READINGS, 1]
    assert [one for r in records for one in r.readings] == small
    assert {(r.site, r.partition) for r in records} == {("s", 3)}
    crowd = Answer((0.0,) * 4 * 3000, (0.5,) * 3000, ("object",) * 3000, "m", "1")
    told = [frame_reading(frame(seq, b""), seq, [PEOPLE], ["x" * 100_000] * 2) for seq in range(5)]
    assert [len(r.readings) for r in detections_of("s", 3, told)] == [1] * 5
    large = [frame_reading(frame(seq, b""), seq, [crowd]) for seq in range(5)]
    sizes = [[len(one.scores) for one in r.readings] for r in detections_of("s", 3, large)]
    assert all(sum(size) <= MAX_OBJECTS for size in sizes) and sum(map(len, sizes)) == 5
