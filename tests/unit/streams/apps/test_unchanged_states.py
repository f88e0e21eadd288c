"""Which inputs of the group stage leave a mark, so that its state is stored."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.apps.stages import all_stages
from streams.core.group import new_state
from tests.unit.streams.core.grouping.deciding import PLAIN, decision, records
from tests.unit.streams.core.rules.scenario import SITE, configuration

RULES: dict[str, Any] = {"rule": {**PLAIN, "group": {"within_s": 1}, "cooldown_s": 2}}
CONFIG = configuration(**RULES)


@settings(max_examples=100, deadline=None)
@given(
    decided=st.lists(st.integers(0, 8000), max_size=4, unique=True),
    beats=st.lists(st.integers(0, 12_000), max_size=12),
)
def test_a_state_said_to_be_unchanged_is(decided: list[int], beats: list[int]) -> None:
    logic = all_stages()["group"]
    plan = logic.plan(CONFIG, "gate", 1)
    state = new_state(SITE, "gate")
    for record in records([decision(at) for at in decided], beats):
        before, applied = msgspec.json.encode(state), state.applied
        (unit,) = logic.units(record, "judged")
        step = logic.step(state, unit, 0, plan)
        if not step.changed:
            renumbered = msgspec.structs.replace(state, applied=applied)
            assert msgspec.json.encode(renumbered) == before


def test_only_beats_that_bring_something_about_leave_a_mark() -> None:
    logic = all_stages()["group"]
    plan = logic.plan(CONFIG, "gate", 1)
    state = new_state(SITE, "gate")
    marks = []
    for record in records([decision(1000)], [500, 1500, 2000, 3000, 4000, 5000]):
        (unit,) = logic.units(record, "judged")
        marks.append((record.at, logic.step(state, unit, 0, plan).changed))
    # Opened at 1000, closed at 2000, cooled down at 4000.
    assert [at for at, changed in marks if changed] == [1000, 2000, 4000]
