"""Attributes of sightings become those of a track: bounded, and a mean over the looks."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Rejected
from streams.core.checks.features import features_of
from streams.core.tracking import attributes
from streams.core.tracking.attributes import MAX_LABELS, MAX_MODELS, Told, add, summary
from streams.core.tracking.detections import Selection, select
from tests.unit.streams.core.sensing.scene import frame, numbered, plan, sense, standing, triggers

NAMES = st.text("abc", min_size=1, max_size=3)
SAID = st.dictionaries(NAMES, st.dictionaries(NAMES, st.floats(0, 1), max_size=4), max_size=4)
GATE = {"kind": "line", "points": [[0.5, 0.1], [0.5, 0.9]]}


def test_examples() -> None:
    result = doctest.testmod(attributes)
    assert result.attempted > 0 and result.failed == 0


@given(st.lists(SAID, max_size=30))
def test_means_lie_between_nothing_and_certainty(said: list[dict[str, dict[str, float]]]) -> None:
    told: dict[str, Told] = {}
    for one in said:
        add(told, one)
    assert len(told) <= MAX_MODELS
    for model, scores in summary(told).items():
        assert told[model].looks == sum(model in one for one in said) or len(told) == MAX_MODELS
        assert all(0 <= score <= 1 + 1e-9 for score in scores.values())


def test_what_is_beyond_the_limits_is_left_out() -> None:
    told: dict[str, Told] = {}
    add(told, {f"m{n}": {} for n in range(40)})
    add(told, {"m0": {f"l{n}": 0.5 for n in range(99)}})
    assert len(told) == MAX_MODELS and len(told["m0"].sums) == MAX_LABELS


def test_an_object_that_no_model_looked_at_has_none() -> None:
    boxes = [standing(0.2, 0.6), standing(0.7, 0.6)]
    reading = frame(0, boxes, attributes=('{"ppe":{"helmet":0.5}}', "{}"))
    found = {item.box: item.attributes for item in select(reading, Selection())}
    assert found == {boxes[0]: {"ppe": {"helmet": 0.5}}, boxes[1]: None}


@pytest.mark.parametrize("text", ["", "[]", '{"ppe": 1}', '{"ppe": {"helmet": "yes"}}'])
def test_attributes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Rejected, match="the attributes of an object are"):
        select(frame(0, [standing(0.2, 0.6)], attributes=(text,)), Selection())


def test_a_triggers_report_tells_what_was_said_of_its_track_since_it_began() -> None:
    readings = []
    for seq, at in enumerate(range(0, 4000, 200)):
        reading = frame(at, [standing(0.1 + 0.2 * at / 1000, 0.6)])
        if seq % 5 == 0:
            said = {"ppe": {"helmet": 0.8} if seq else {}}
            reading = replace(reading, attributes=(json.dumps(said),))
        readings.append(reading)
    whole = sense(numbered(readings), plan({"gate": GATE}))[1]
    (crossed,) = triggers(whole)
    assert crossed.report is not None and 2000 <= crossed.triggered_at - readings[0].at < 2600
    told = features_of(crossed.report.details).attributes
    assert told == {"ppe": {"helmet": pytest.approx(1.6 / 3)}}
    restarted = sense(
        numbered(readings), plan({"gate": GATE}), restart_at=frozenset(range(len(readings)))
    )[1]
    assert restarted == whole
