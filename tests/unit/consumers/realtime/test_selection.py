"""What a selection takes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from consumers.realtime.kinds import Followed, Kind
from consumers.realtime.selection import Selection
from tests.unit.consumers.realtime.stream_records import event, health, verdict

EVERYTHING = frozenset(Kind)


@pytest.mark.parametrize(
    ("wanted", "kind", "record", "taken"),
    [
        ({}, Kind.EVENT, event(), True),
        ({}, Kind.EVENT, event(mode="shadow"), False),
        ({"mode": {"shadow"}}, Kind.EVENT, event(mode="shadow"), True),
        ({}, Kind.VERDICT, verdict(), False),
        ({"kind": EVERYTHING}, Kind.VERDICT, verdict(), True),
        ({"kind": EVERYTHING}, Kind.HEALTH, health(), True),
        ({"site": {"depot-8"}}, Kind.EVENT, event(), False),
        ({"camera": {"depot-7/gate"}}, Kind.EVENT, event(), True),
        ({"camera": {"depot-8/gate"}}, Kind.EVENT, event(), False),
        ({"kind": EVERYTHING, "camera": {"depot-7/gate"}}, Kind.HEALTH, health(), True),
        (
            {"kind": EVERYTHING, "camera": {"depot-7/gate"}},
            Kind.HEALTH,
            health(kind="process", name="gate"),
            False,
        ),
        ({"severity": {"info"}}, Kind.EVENT, event(), False),
        ({"severity": {"info"}, "kind": EVERYTHING}, Kind.HEALTH, health(), True),
        ({"class_name": {"person"}}, Kind.EVENT, event(class_name=None), False),
        ({"state": {"closed"}}, Kind.EVENT, event(state="closed"), True),
        ({"verdict": {"accepted"}, "kind": EVERYTHING}, Kind.VERDICT, verdict(), False),
        ({"rule": {"fence"}}, Kind.EVENT, event(), False),
    ],
)
def test_a_selection_takes(
    wanted: dict[str, object], kind: Kind, record: Followed, taken: bool
) -> None:
    assert Selection.model_validate(wanted).takes(kind, record) is taken


@pytest.mark.parametrize(
    "wrong", [{"kind": []}, {"kind": ["frame"]}, {"colour": ["red"]}, {"site": [""]}]
)
def test_what_is_no_selection_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Selection.model_validate(wrong)
