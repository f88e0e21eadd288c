from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from consumers.store.handling import Assign, Change, decide

NOW = datetime(2026, 11, 28, tzinfo=UTC)
SOMEBODY, ANOTHER = UUID(int=1), UUID(int=2)
STATES = st.sampled_from(["new", "acknowledged", "resolved"])
LABELS = st.sampled_from(["true", "false", "ignore_here"])


def row(**changes: Any) -> dict[str, Any]:
    plain = {"handling": "new", "label": None, "assigned_to": None}
    return {**plain, "acknowledged_by": None, "acknowledged_at": None, **changes}


def actions(before: dict[str, Any], change: Change) -> list[str]:
    return [entry.action for entry in decide(before, change, "me", NOW).entries]


def test_the_first_step_away_from_new_is_an_acknowledgement() -> None:
    for state in ("acknowledged", "resolved"):
        decided = decide(row(), Change(state=state), "me", NOW)
        assert decided.columns == {
            "handling": state,
            "acknowledged_by": "me",
            "acknowledged_at": NOW,
        }
    later = decide(row(handling="acknowledged"), Change(state="resolved"), "me", NOW)
    assert later.columns == {"handling": "resolved"}


def test_reopened_is_as_if_nobody_had_seen_it() -> None:
    decided = decide(row(handling="resolved"), Change(state="new"), "me", NOW)
    assert decided.columns == {"handling": "new", "acknowledged_by": None, "acknowledged_at": None}


def test_a_label_says_a_word_and_acknowledges_unless_told_otherwise() -> None:
    decided = decide(row(), Change(label="false"), "me", NOW)
    assert (decided.word, decided.columns["handling"]) == ("dismissed", "acknowledged")
    assert actions(row(), Change(label="false")) == ["label", "acknowledge"]
    kept = decide(row(), Change(label="true", state="new"), "me", NOW)
    assert (kept.word, kept.columns) == ("confirmed", {"label": "true"})


def test_assigning_changes_no_state() -> None:
    assert actions(row(assigned_to=ANOTHER), Change(assign=Assign(SOMEBODY))) == ["assign"]
    assert actions(row(assigned_to=ANOTHER), Change(assign=Assign(None))) == ["assign"]


@given(STATES, st.none() | LABELS, st.none() | STATES, st.none() | LABELS)
def test_said_again_it_changes_nothing(before: Any, label: Any, state: Any, new_label: Any) -> None:
    change = Change(state=state, label=new_label, assign=Assign(SOMEBODY))
    first = decide(row(handling=before, label=label), change, "me", NOW)
    again = decide({**row(handling=before, label=label), **first.columns}, change, "me", NOW)
    assert (again.columns, again.entries, again.word) == ({}, (), None)
