from __future__ import annotations

from typing import Any

import pytest

from schemas.ids import candidate_id
from streams.core.match import MatchPlan, new_state, step
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

HOUR = 3_600_000
DAY = 24 * HOUR
MONDAY = 4 * DAY
"""1970-01-05, UTC."""


def doors(*times: int, track: str = "a") -> list[Any]:
    return [trigger("door", at, track) for at in times]


THREE = {"at_least": 3, "within_s": 10}


def test_enough_matches_make_one_candidate_with_all_their_triggers() -> None:
    (found,) = candidates(term("door"), doors(0, 4000, 9999), count=THREE)
    assert ids([found]) == [("door@0", "door@4000", "door@9999")]
    trigger_ids = [f"door:crossed:a:{at}" for at in (0, 4000, 9999)]
    assert found.candidate_id == candidate_id(SITE, "rule", 9999, trigger_ids)
    assert found.matched_at == 9999


def test_what_comes_exactly_at_the_counts_within_s_is_too_late_for_the_first() -> None:
    assert candidates(term("door"), doors(0, 4000, 10_000), count=THREE) == []
    found = candidates(term("door"), doors(0, 4000, 10_000, 13_999), count=THREE)
    assert ids(found) == [("door@4000", "door@10000", "door@13999")]


def test_it_starts_afresh_after_each_candidate() -> None:
    found = candidates(term("door"), doors(1, 2, 3, 4, 5, 6, 7), count=THREE)
    assert ids(found) == [("door@1", "door@2", "door@3"), ("door@4", "door@5", "door@6")]


def test_it_counts_per_group_key() -> None:
    triggers = [*doors(1, 3, track="a"), *doors(2, 4, track="b"), *doors(5, track="a")]
    found = candidates(term("door"), triggers, count=THREE, group={"by": "track"})
    assert ids(found) == [("door@1", "door@3", "door@5")]
    found = candidates(term("door"), triggers, count=THREE)
    assert ids(found) == [("door@1", "door@2", "door@3")]


def test_it_counts_compositions_and_names_a_shared_trigger_once() -> None:
    when = {"sequence": [term("door"), term("door")], "within_s": 2}
    count = {"at_least": 2, "within_s": 10}
    assert ids(candidates(when, doors(1, 2, 3), count=count)) == [("door@1", "door@2", "door@3")]


def test_counts_that_are_over_are_forgotten() -> None:
    config = configuration(rule={"when": term("door"), "count": THREE, "group": {"by": "track"}})
    plan = MatchPlan.compile(config, "gate", 1)
    state = new_state(SITE, "gate")
    for one in records([trigger("door", at, f"t{at}") for at in range(50)], beats=[10_049]):
        state, _ = step(state, one, plan)
    assert not state.rules["rule"].counted
    assert not state.rules["rule"].triggers


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        (MONDAY + 20 * HOUR, True),
        (MONDAY + 20 * HOUR - 1, False),
        (MONDAY + 3 * HOUR, False),
        (MONDAY + DAY + 3 * HOUR, True),
        (MONDAY + DAY + 7 * HOUR, False),
        (MONDAY + 5 * DAY + 3 * HOUR, True),
    ],
)
def test_a_schedule_is_asked_for_the_true_time(at: int, holds: bool) -> None:
    triggers = [trigger("door", at, known_at=at + 12 * HOUR)]
    found = candidates(term("door"), triggers, schedule=["Mon-Fri 20:00-07:00"])
    assert bool(found) is holds


def test_a_schedule_reads_the_sites_wall_clock() -> None:
    triggers = doors(MONDAY + 11 * HOUR, MONDAY + 12 * HOUR)
    found = candidates(term("door"), triggers, schedule=["12:00-13:00"], timezone="Europe/Madrid")
    assert ids(found) == [(f"door@{MONDAY + 11 * HOUR}",)]


def test_a_match_outside_the_schedule_does_not_count() -> None:
    noon = 12 * HOUR
    triggers = doors(noon - 2, noon - 1, noon, noon + 1, noon + 2)
    found = candidates(term("door"), triggers, count=THREE, schedule=["12:00-13:00"])
    assert ids(found) == [tuple(f"door@{noon + i}" for i in range(3))]


def test_an_armed_rule_holds_in_its_modes_only() -> None:
    config = configuration(
        rule={"when": term("door"), "armed": ["away", "night"]}, always={"when": term("door")}
    )
    state = new_state(SITE, "gate")
    fired = []
    for n, modes in enumerate([[], ["home"], ["night"], ["home", "away"]]):
        plan = MatchPlan.compile(config.armed_in(modes), "gate", n)
        state, matching = step(state, sensed(n, n, doors(n)), plan)
        assert matching.matched is not None
        fired.append([one.rule for one in matching.matched.candidates])
    assert fired == [["always"], ["always"], ["always", "rule"], ["always", "rule"]]
