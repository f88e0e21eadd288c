from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.records import Candidate, Matched, Trigger
from streams.core.match import MatchPlan, new_state, step, version_for
from tests.unit.streams.core.rules.scenario import (
    SITE,
    configuration,
    matched,
    records,
    report,
    sensed,
    term,
    trigger,
)

TERMS = [term("door"), term("path"), term("lawn", "entered"), term("door", direction="forward")]


def _compositions(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(parts, min_size=1, max_size=3)
    seconds = st.sampled_from([0.5, 1, 3])
    track = st.sampled_from([{}, {"same_track": True}, {"same_track": False}])
    sequences = st.builds(
        lambda s, w, t: {"sequence": s, "within_s": w + 3, **t}, several, seconds, track
    )
    return st.one_of(
        sequences,
        st.builds(lambda s, w: {"all": s, "within_s": w + 3}, several, seconds),
        st.builds(lambda s: {"any": s}, several),
        st.builds(lambda p, s: {"absent": p, "for_s": s}, parts, seconds),
    )


WHENS = st.recursive(st.sampled_from(TERMS), _compositions, max_leaves=5)
RULES = st.fixed_dictionaries(
    {"when": WHENS},
    optional={
        "count": st.just({"at_least": 2, "within_s": 2}),
        "schedule": st.just(["12:00-12:01"]),
        "group": st.sampled_from([{"by": "track"}, {"by": "sensor"}]),
    },
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 250, 500, 1000]),
        st.sampled_from(["door", "path", "lawn"]),
        st.sampled_from(["a", "b", None]),
        st.sampled_from([0, 300]),
    ),
    max_size=10,
)
START = 12 * 3_600_000 - 2500
"""The schedule begins to hold in the middle of things."""
END = START + 90_000
BEATS = st.lists(st.integers(START, START + 8000), max_size=8)


def timeline(steps: list[tuple[int, str, str | None, int]]) -> list[Trigger]:
    at = START
    triggers = []
    for i, (gap, sensor, track, older) in enumerate(steps):
        at += gap
        kind = "entered" if sensor == "lawn" else "crossed"
        made = trigger(sensor, at - older, track, kind=kind, known_at=at, direction="forward")
        triggers.append(replace(made, trigger_id=f"{i}"))
    return triggers


def all_candidates(outputs: list[Matched]) -> list[Candidate]:
    return [candidate for output in outputs for candidate in output.candidates]


@settings(max_examples=120, deadline=None)
@given(rules=st.lists(RULES, min_size=1, max_size=2), steps=STEPS, beats=BEATS)
def test_the_cadence_of_beats_changes_nothing(
    rules: list[Any], steps: list[Any], beats: list[int]
) -> None:
    config = configuration(**{f"rule{i}": rule for i, rule in enumerate(rules)})
    triggers = timeline(steps)
    sparse = all_candidates(matched(config, records(triggers, [END], START)))
    dense = all_candidates(matched(config, records(triggers, [*beats, END], START)))
    assert dense == sparse


@settings(max_examples=120, deadline=None)
@given(rules=st.lists(RULES, min_size=1, max_size=2), steps=STEPS, beats=BEATS)
def test_a_state_written_and_read_at_any_moment_goes_on_the_same(
    rules: list[Any], steps: list[Any], beats: list[int]
) -> None:
    config = configuration(**{f"rule{i}": rule for i, rule in enumerate(rules)})
    inputs = records(timeline(steps), [*beats, END], START)
    assert matched(config, inputs, revive=True) == matched(config, inputs)


@settings(max_examples=60, deadline=None)
@given(rule=RULES, steps=STEPS, beats=BEATS)
def test_outputs_are_in_order_and_can_be_written(
    rule: Any, steps: list[Any], beats: list[int]
) -> None:
    outputs = matched(configuration(rule=rule), records(timeline(steps), [*beats, END], START))
    assert [output.n for output in outputs] == list(range(1, len(outputs) + 1))
    reached = 0
    for output in outputs:
        assert all(reached <= one.known_at <= output.at for one in output.candidates)
        assert codec.decode(codec.encode(output)) == output
        reached = output.at


def test_repeats_have_no_effect() -> None:
    config = configuration(rule={"when": {"sequence": [term("door"), term("door")], "within_s": 9}})
    plan = MatchPlan.compile(config, "gate", 1)
    state = new_state(SITE, "gate")
    inputs = records([trigger("door", 1), trigger("door", 2)])
    once = matched(config, inputs)
    outputs = []
    for i, one in enumerate(inputs):
        state, matching = step(state, one, plan)
        outputs += [matching.matched] if matching.matched else []
        for repeated in inputs[: i + 1]:
            state, matching = step(state, repeated, plan)
            assert (matching.matched, matching.dropped) == (None, "repeat")
    assert outputs == once
    assert len(all_candidates(once)) == 1


def test_beats_and_reports_are_passed_on_and_nothing_else_is_said() -> None:
    config = configuration()
    inputs = [
        sensed(0, 10),
        sensed(4, 20, reports=[report("b", 20), report("a", 20)]),
        sensed(5, 30, beat="stalled"),
    ]
    reports, beat = matched(config, inputs)
    assert (reports.n, reports.at, reports.beat) == (1, 20, None)
    assert [one.track for one in reports.reports] == ["a", "b"]
    assert (beat.n, beat.at, beat.beat, beat.epoch_at) == (2, 30, "stalled", 0)


def test_a_key_takes_its_own_rules_only() -> None:
    across = {"sequence": [term("door"), term("hatch")], "within_s": 2}
    config = configuration(
        gate={"when": term("door")},
        yard={"when": term("hatch")},
        across={"when": across},
        by_site={"when": term("door"), "group": {"by": "site"}},
    )
    rules = {
        key: [rule.name for rule in MatchPlan.compile(config, key, 1).rules]
        for key in ("gate", "yard", f"site/{SITE}")
    }
    assert rules == {"gate": ["gate"], "yard": ["yard"], f"site/{SITE}": ["across", "by_site"]}


def test_another_version_of_the_same_rule_goes_on_and_another_rule_starts_afresh() -> None:
    def rule(within_s: float) -> dict[str, Any]:
        return {"when": {"sequence": [term("door"), term("path")], "within_s": within_s}}

    for second, completes in ((rule(5), True), (rule(6), False)):
        state = new_state(SITE, "gate")
        plan = MatchPlan.compile(configuration(rule=rule(5)), "gate", 1)
        state, _ = step(state, sensed(0, 1, [trigger("door", 1)]), plan)
        plan = MatchPlan.compile(configuration(rule=second), "gate", 2)
        state, matching = step(state, sensed(1, 2, [trigger("path", 2)], version=2), plan)
        assert (matching.matched is not None) is completes
        if matching.matched is not None:
            assert matching.matched.candidates[0].config_version == 2


def test_one_camera_is_judged_under_the_version_its_record_carries() -> None:
    state = new_state(SITE, "gate")
    plan = MatchPlan.compile(configuration(), "gate", 3)
    state, _ = step(state, sensed(0, 1, version=3), plan)
    assert version_for(state, sensed(1, 2, version=5)) == 5


def test_a_quiet_state_is_small() -> None:
    config = configuration(rule={"when": {"sequence": [term("door"), term("path")], "within_s": 2}})
    plan = MatchPlan.compile(config, "gate", 1)
    state = new_state(SITE, "gate")
    for one in records([trigger("door", at) for at in range(0, 3000, 100)], beats=[9000]):
        state, _ = step(state, one, plan)
    assert state.rules["rule"].triggers == {}
    assert state.members["gate"].triggers == []


def test_a_match_is_shown_where_its_last_trigger_fired_unless_it_was_seen_better_elsewhere() -> (
    None
):
    crossed = trigger("door", 1000)
    assert crossed.report is not None
    best = crossed.report.best
    shown = {}
    for score in (0.8, 0.5, None):
        frame = None if score is None else replace(best, offset=77, score=score)
        config = configuration(rule={"when": term("door")})
        (found,) = matched(config, records([replace(crossed, frame=frame)]))
        (candidate,) = found.candidates
        assert candidate.best is not None
        shown[score] = candidate.best.offset
    assert best.score == 0.9
    assert shown == {0.8: 77, 0.5: best.offset, None: best.offset}
