from __future__ import annotations

from typing import Any

import pytest

from streams.core.match import MatchPlan, evicted, new_state, step
from streams.core.rules.node import PARTIAL_LIMIT
from tests.unit.streams.core.rules.scenario import (
    SITE,
    candidates,
    configuration,
    ids,
    records,
    sensed,
    term,
    trigger,
)


def both(*parts: dict[str, Any], within_s: float = 2) -> dict[str, Any]:
    return {"all": list(parts), "within_s": within_s}


def test_all_in_any_order() -> None:
    when = both(term("door"), term("path"))
    assert ids(candidates(when, [trigger("path", 1), trigger("door", 2)])) == [("path@1", "door@2")]
    assert ids(candidates(when, [trigger("door", 1), trigger("path", 2)])) == [("door@1", "path@2")]
    assert candidates(when, [trigger("door", 1), trigger("door", 2)]) == []


@pytest.mark.parametrize(("later", "matches"), [(1999, 1), (2000, 0)])
def test_all_within_s_is_half_open(later: int, matches: int) -> None:
    found = candidates(
        both(term("door"), term("path")), [trigger("path", 7), trigger("door", 7 + later)]
    )
    assert len(found) == matches


def test_all_of_one_kind_needs_as_many_triggers() -> None:
    when = both(term("door"), term("door"))
    assert candidates(when, [trigger("door", 1)]) == []
    assert ids(candidates(when, [trigger("door", 1), trigger("door", 2)])) == [("door@1", "door@2")]


def test_all_completes_the_one_that_began_last_and_its_last_trigger_may_begin_the_next() -> None:
    when = both(term("door"), term("path"))
    triggers = [trigger("door", 1), trigger("door", 2), trigger("path", 3), trigger("door", 4)]
    assert ids(candidates(when, triggers)) == [("door@2", "path@3"), ("path@3", "door@4")]


def test_a_match_of_all_uses_its_triggers_up() -> None:
    when = both(term("door"), term("path"))
    triggers = [trigger("door", 1), trigger("path", 2), trigger("path", 3)]
    assert ids(candidates(when, triggers)) == [("door@1", "path@2")]


def test_all_with_a_sequence_inside() -> None:
    inner = {"sequence": [term("door"), term("path")], "within_s": 1}
    when = both(inner, term("lawn", "entered"), within_s=3)
    entered = trigger("lawn", 500, kind="entered")
    found = candidates(when, [trigger("door", 400), entered, trigger("path", 600)])
    assert ids(found) == [("door@400", "lawn@500", "path@600")]
    assert candidates(when, [trigger("door", 400), entered, trigger("path", 1400)]) == []


def test_any_holds_with_each() -> None:
    when = {"any": [term("door"), term("path")]}
    found = candidates(when, [trigger("path", 1), trigger("lawn", 2, kind="left")])
    assert ids(found) == [("path@1",)]


def test_one_trigger_that_completes_several_alternatives_is_one_match() -> None:
    when = {"any": [term("door"), term("door", direction="forward")]}
    assert ids(candidates(when, [trigger("door", 1, direction="forward")])) == [("door@1",)]
    nested = {"any": [{"sequence": [term("path"), term("door")], "within_s": 2}, term("door")]}
    assert ids(candidates(nested, [trigger("path", 1), trigger("door", 2)])) == [("door@2",)]


def test_an_any_inside_a_sequence() -> None:
    either = {"any": [term("path"), term("lawn", "entered")]}
    when = {"sequence": [term("door"), either], "within_s": 2}
    found = candidates(when, [trigger("door", 1), trigger("lawn", 2, kind="entered")])
    assert ids(found) == [("door@1", "lawn@2")]


def test_a_match_of_one_alternative_uses_its_triggers_up_for_the_others() -> None:
    parts = [
        {"sequence": [term("door"), term(sensor, kind)], "within_s": 2}
        for sensor, kind in (("path", "crossed"), ("lawn", "entered"))
    ]
    triggers = [trigger("door", 1), trigger("path", 2), trigger("lawn", 3, kind="entered")]
    assert ids(candidates({"any": parts}, triggers)) == [("door@1", "path@2")]


def test_a_trigger_is_one_part_of_all_only() -> None:
    inner = {"sequence": [term("door"), term("path")], "within_s": 2}
    when = both(inner, term("door"))
    assert candidates(when, [trigger("door", 1), trigger("path", 2)]) == []
    found = candidates(when, [trigger("door", 1), trigger("door", 2), trigger("path", 3)])
    assert ids(found) == [("door@1", "door@2", "path@3")]


def test_partial_matches_are_bounded_and_the_newest_stay() -> None:
    when = both(term("door"), term("path"), within_s=1000)
    plan = MatchPlan.compile(configuration(rule={"when": when}), "gate", 1)
    state = new_state(SITE, "gate")
    count = PARTIAL_LIMIT + 40
    for one in records([trigger("door", at) for at in range(1, count + 1)]):
        state, _ = step(state, one, plan)
    assert len(state.rules["rule"].triggers) == PARTIAL_LIMIT
    assert evicted(state) == 40
    state, matching = step(state, sensed(9999, 5000, [trigger("path", 5000)]), plan)
    assert matching.matched is not None
    assert ids(matching.matched.candidates) == [(f"door@{count}", "path@5000")]
