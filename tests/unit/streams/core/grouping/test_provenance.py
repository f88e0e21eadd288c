"""What a second stage said of an object is part of where an event comes from."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from schemas.records import Decision
from streams.core.grouping.provenance import decision_json
from tests.unit.streams.core.grouping.deciding import decision


def told(details: dict[str, Any]) -> Decision:
    one = decision(5000)
    (trigger,) = one.candidate.triggers
    assert trigger.report is not None
    report = replace(trigger.report, details=json.dumps(details))
    candidate = replace(one.candidate, triggers=(replace(trigger, report=report),))
    return replace(one, candidate=candidate)


def test_attributes_stand_with_their_trigger_and_only_where_there_are_any() -> None:
    said = {"ppe": {"helmet": 0.75}, "colour": {}}
    (trigger,) = json.loads(decision_json(told({"attributes": said})))["triggers"]
    assert trigger["attributes"] == said
    (trigger,) = json.loads(decision_json(told({"seen": 1.0})))["triggers"]
    assert "attributes" not in trigger
