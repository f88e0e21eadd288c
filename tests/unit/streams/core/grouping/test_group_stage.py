from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from schemas.ids import event_id
from schemas.records import Decision
from streams.core import group as group_module
from streams.core.group import Grouped, GroupPlan, new_state, next_deadline, step
from tests.unit.streams.core.grouping.deciding import PLAIN, decision, grouped, records, told
from tests.unit.streams.core.rules.scenario import SITE, configuration, term


def test_opened_by_the_first_updated_by_others_closed_within_s_after_the_last() -> None:
    first = decision(1000, "a", score=0.9, matched_at=400)
    second = decision(20_000, "b", score=0.7)
    events = grouped([first, second], [100_000]).events
    assert told(events) == [("opened", 1, 1000), ("updated", 2, 20_000), ("closed", 3, 50_000)]
    opened, updated, closed = events
    expected = event_id(SITE, "rule", "gate", first.candidate.candidate_id)
    assert {event.event_id for event in events} == {expected}
    assert [event.opened_at for event in events] == [400, 400, 400]
    assert (opened.closed_at, closed.closed_at) == (None, 50_000)
    assert [event.triggers for event in events] == [1, 2, 2]
    assert [event.score for event in events] == [0.9, 0.9, 0.9]
    assert (opened.tracks, updated.tracks, closed.tracks) == ('["a"]', '["a","b"]', '["a","b"]')
    assert (opened.severity, opened.mode, opened.verdict, opened.group_key) == (
        "alert",
        "live",
        "accepted",
        "gate",
    )
    assert (opened.model, opened.model_version, opened.class_name) == ("yolox", "1", "person")


@pytest.mark.parametrize(("later", "opened"), [(29_999, 1), (30_000, 2)])
def test_what_comes_exactly_at_within_s_opens_the_next(later: int, opened: int) -> None:
    events = grouped([decision(1000), decision(1000 + later)]).events
    assert [event.state for event in events].count("opened") == opened


def test_it_closes_at_the_deadlines_own_time_before_anything_at_it() -> None:
    events = grouped([decision(1000), decision(90_000)]).events
    assert told(events) == [("opened", 1, 1000), ("closed", 2, 31_000), ("opened", 1, 90_000)]
    assert grouped([decision(1000)], [30_999]).events[-1].state == "opened"
    assert grouped([decision(1000)], [31_000]).events[-1].state == "closed"


def test_grouping_runs_on_the_time_of_the_decision() -> None:
    late = decision(35_000, "b", matched_at=26_000)
    assert [e.state for e in grouped([decision(1000), late]).events].count("opened") == 2


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("camera", ["gate"]),
        ("sensor", ["door", "path"]),
        ("track", ["a", "b"]),
        ("site", [SITE]),
    ],
)
def test_the_group_key(by: str, keys: list[str]) -> None:
    rule = {"when": {"any": [term("door"), term("path")]}, "group": {"by": by, "within_s": 5}}
    decisions = [
        decision(1000, "a", sensor="door"),
        decision(2000, "b", sensor="path"),
        decision(3000, "b", sensor="path"),
    ]
    events = grouped(decisions, rule=rule).events
    assert [event.group_key for event in events if event.state == "opened"] == keys


def test_rules_do_not_share_events() -> None:
    decisions = [decision(1000, rule="one"), decision(1000, rule="two")]
    output = grouped(decisions, one=PLAIN, two=PLAIN)
    assert [event.state for event in output.events] == ["opened", "opened"]
    assert len({verdict.event_id for verdict in output.verdicts}) == 2


def test_every_candidate_gets_one_verdict() -> None:
    rule = {**PLAIN, "group": {"within_s": 10}, "cooldown_s": 20}
    decisions = [
        decision(1000),
        decision(2000, verdict="suppressed", score=0.2),
        decision(3000),
        decision(20_000),
        decision(32_999),
        decision(33_000),
    ]
    output = grouped(decisions, rule=rule)
    assert [v.verdict for v in output.verdicts] == [
        "accepted",
        "suppressed",
        "accepted",
        "cooling",
        "cooling",
        "accepted",
    ]
    ids = [event.event_id for event in output.events if event.state == "opened"]
    assert [v.event_id for v in output.verdicts] == [ids[0], None, ids[0], None, None, ids[1]]
    assert [v.candidate_id for v in output.verdicts] == [
        d.candidate.candidate_id for d in decisions
    ]
    assert told(output.events)[2] == ("closed", 3, 13_000)
    suppressed = output.verdicts[1]
    assert (suppressed.revision, suppressed.score, suppressed.decided_at) == (1, 0.2, 2000)
    assert suppressed.reasons == '[{"check":"moved","for":false,"value":0.9,"weight":0.0}]'


def test_one_group_cools_down_and_another_does_not() -> None:
    rule = {**PLAIN, "group": {"by": "track", "within_s": 1}, "cooldown_s": 60}
    decisions = [decision(0, "a"), decision(5000, "a"), decision(5000, "b")]
    verdicts = grouped(decisions, rule=rule).verdicts
    assert [verdict.verdict for verdict in verdicts] == ["accepted", "cooling", "accepted"]


def test_a_rule_in_shadow_mode_opens_nothing() -> None:
    shadow = {**PLAIN, "mode": "shadow"}
    decisions = [decision(1, shadow=True), decision(2, shadow=True, verdict="suppressed")]
    output = grouped(decisions, [99_000], rule=shadow)
    assert output.events == ()
    assert [(v.verdict, v.event_id) for v in output.verdicts] == [
        ("shadow", None),
        ("suppressed", None),
    ]


def again(before: Decision, at: int, verdict: Any, revision: int, event: str | None) -> Decision:
    """Return what an operator's word makes of a decision."""
    changes = {"decided_at": at, "verdict": verdict, "revision": revision, "event_id": event}
    return replace(before, **changes)


def test_an_open_event_is_suppressed_once_all_its_candidates_are_dismissed() -> None:
    one, two = decision(1000, "a"), decision(2000, "b")
    output = grouped(
        [
            *(one, two, again(one, 3000, "suppressed", 2, None)),
            *(again(two, 4000, "suppressed", 2, None), again(one, 5000, "accepted", 3, None)),
        ],
        [32_000],
        revive=True,
    )
    assert [(e.state, e.revision, e.verdict) for e in output.events] == [
        ("opened", 1, "accepted"),
        ("updated", 2, "accepted"),
        ("updated", 3, "suppressed"),
        ("updated", 4, "accepted"),
        ("closed", 5, "accepted"),
    ]
    assert len({verdict.event_id for verdict in output.verdicts}) == 1


def test_a_candidate_dismissed_after_its_event_has_closed_still_names_it() -> None:
    one = decision(1000)
    output = grouped([one, again(one, 90_000, "suppressed", 2, "its-event")], [31_000])
    assert [(v.verdict, v.event_id) for v in output.verdicts][1] == ("suppressed", "its-event")
    assert [event.state for event in output.events] == ["opened", "closed"]


def test_a_candidate_that_outlives_its_rule_still_gets_its_event() -> None:
    output = grouped([decision(1000, rule="gone")], [31_000])
    assert told(output.events) == [("opened", 1, 1000), ("closed", 2, 31_000)]


def test_provenance_tells_the_whole_chain() -> None:
    output = grouped([decision(1000, matched_at=400)])
    (chain,) = json.loads(output.events[0].provenance)
    assert (chain["candidate"], chain["matched_at"], chain["decided_at"]) == (
        "rule:door:a:1000",
        400,
        1000,
    )
    frame = {
        "partition": 3,
        "offset": 400,
        "captured_at": 400,
        "box": [0.1, 0.2, 0.2, 0.5],
        "score": 0.9,
    }
    assert chain["frame"] == frame
    assert chain["reasons"] == [{"check": "moved", "for": True, "value": 0.9, "weight": 0.0}]
    (link,) = chain["triggers"]
    assert (link["trigger_id"], link["sensor"], link["track"], link["frame"]) == (
        "door:crossed:a:400",
        "door",
        "a",
        frame,
    )
    assert (link["model"], link["model_version"], chain["config_version"]) == ("yolox", "1", 1)
    verdict = json.loads(output.verdicts[0].provenance)
    assert (verdict["frame"], verdict["triggers"]) == (frame, ["door:crossed:a:400"])
    assert output.events[0].provenance == json.dumps(
        json.loads(output.events[0].provenance), sort_keys=True, separators=(",", ":")
    )


def test_lists_in_an_event_are_bounded() -> None:
    decisions = [decision(at, f"t{at}") for at in range(150)]
    last = grouped(decisions).events[-1]
    assert last.triggers == 150
    assert json.loads(last.tracks) == [f"t{at}" for at in range(100)]
    chain = [one["track"] for one in json.loads(last.provenance)]
    assert chain == ["t0", *(f"t{at}" for at in range(131, 150))]


def test_open_events_and_cooldowns_are_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(group_module, "OPEN_LIMIT", 2)
    monkeypatch.setattr(group_module, "COOLING_LIMIT", 1)
    rule = {**PLAIN, "group": {"by": "track"}, "cooldown_s": 600}
    plan = GroupPlan.compile(configuration(rule=rule), 1)
    state = new_state(SITE, "gate")
    closed = []
    for one in records([decision(at, f"t{at}") for at in range(4)]):
        state, output = step(state, one, plan)
        closed += [event.group_key for event in output.events if event.state == "closed"]
    assert closed == ["t0", "t1"]
    assert list(state.open) == ["rule/t2", "rule/t3"]
    assert list(state.cooling) == ["rule/t1"]
    assert state.evicted == 3


def test_a_state_at_rest_is_empty() -> None:
    plan = GroupPlan.compile(configuration(rule={**PLAIN, "cooldown_s": 5}), 1)
    state = new_state(SITE, "gate")
    for one in records([decision(0)], [35_000]):
        state, _ = step(state, one, plan)
    assert (state.open, state.cooling, next_deadline(state)) == ({}, {}, None)


def test_the_next_deadline_is_told() -> None:
    plan = GroupPlan.compile(configuration(rule={**PLAIN, "group": {"by": "track"}}), 1)
    state = new_state(SITE, "gate")
    for one in records([decision(7, "a"), decision(5, "b")]):
        state, _ = step(state, one, plan)
    assert next_deadline(state) == 30_005


def test_repeats_have_no_effect() -> None:
    plan = GroupPlan.compile(configuration(rule=PLAIN), 1)
    state = new_state(SITE, "gate")
    inputs = records([decision(1), decision(2)], [50_000])
    for i, one in enumerate(inputs):
        state, output = step(state, one, plan)
        assert output.events
        for repeated in inputs[: i + 1]:
            state, output = step(state, repeated, plan)
            assert output == Grouped(dropped="repeat")


def test_a_candidate_without_triggers_names_no_frame_and_no_model() -> None:
    one = decision(1000, None)
    bare = replace(one, candidate=replace(one.candidate, triggers=()))
    output = grouped([bare])
    assert json.loads(output.events[0].provenance)[0]["frame"] is None
    assert (output.events[0].model, output.events[0].tracks) == ("", "[]")
