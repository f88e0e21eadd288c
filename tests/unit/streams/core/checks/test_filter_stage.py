from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.records import Decision, Judged, Matched, TrackReport, Trigger
from schemas.site import SiteConfig
from streams.core import filter as filter_module
from streams.core.filter import FilterPlan, FilterState, new_state, next_deadline, step
from tests.unit.streams.core.rules.scenario import (
    SITE,
    configuration,
    matched,
    report,
    sensed,
    term,
    trigger,
)

STILL, WALKED = 0.1, 2.0
DOOR = configuration(rule={"when": term("door")})
PAIR = {"sequence": [term("door"), term("path")], "within_s": 30}


def inputs(
    triggers: Sequence[Trigger],
    reports: Sequence[TrackReport] = (),
    beats: Sequence[int] = (),
    config: SiteConfig = DOOR,
) -> list[Matched]:
    """What the match stage makes of them."""
    times = sorted({t.known_at for t in triggers} | {r.at for r in reports})
    timed: list[tuple[int, bool]] = [(at, False) for at in times] + [(at, True) for at in beats]
    made = []
    for n, (at, is_beat) in enumerate(sorted(timed)):
        here = [] if is_beat else [t for t in triggers if t.known_at == at]
        told = [] if is_beat else [r for r in reports if r.at == at]
        beat = "online" if is_beat else None
        made.append(sensed(n, at, here, reports=told, beat=beat))
    return matched(config, made)


def judged(
    outputs: Sequence[Matched], config: SiteConfig = DOOR, *, revive: bool = False
) -> list[Judged]:
    plan = FilterPlan.compile(config, 1)
    state = new_state(SITE, "gate")
    found = []
    for output in outputs:
        if revive:
            state = msgspec.msgpack.Decoder(FilterState).decode(msgspec.msgpack.encode(state))
        state, filtering = step(state, output, plan)
        assert filtering.dropped is None
        if filtering.judged is not None:
            found.append(filtering.judged)
    return found


def decisions(
    triggers: Sequence[Trigger],
    reports: Sequence[TrackReport] = (),
    beats: Sequence[int] = (),
    config: SiteConfig = DOOR,
) -> list[Decision]:
    outputs = judged(inputs(triggers, reports, beats, config), config)
    return [decision for output in outputs for decision in output.decisions]


def test_a_walker_is_accepted_at_once() -> None:
    (found,) = decisions([trigger("door", 900, known_at=1000, moved=WALKED)])
    assert (found.verdict, found.decided_at, found.revision) == ("accepted", 1000, 1)
    assert found.score > 0.9
    told = [(one.check, one.favours, one.value) for one in found.reasons]
    assert told[:2] == [("score", True, 0.8), ("moved", True, WALKED)]


def test_what_has_no_track_is_accepted_at_once() -> None:
    config = configuration(rule={"when": term("lens", "covered"), "min_score": 0.9})
    (found,) = decisions([trigger("lens", 5, None, kind="covered")], config=config)
    assert (found.verdict, found.decided_at, found.score, found.reasons) == ("accepted", 5, 1.0, ())


def test_it_is_judged_again_with_each_report_of_its_track() -> None:
    standing = trigger("door", 1000, moved=STILL)
    told = [report("b", 1500, WALKED), report("a", 2000, STILL), report("a", 3000, WALKED)]
    (found,) = decisions([standing], told, [20_000])
    assert (found.verdict, found.decided_at) == ("accepted", 3000)


def test_all_tracks_must_pass() -> None:
    config = configuration(rule={"when": PAIR})
    pair = [trigger("door", 1000, "a", moved=STILL), trigger("path", 2000, "b", moved=WALKED)]
    (found,) = decisions(pair, [report("b", 3000, WALKED)], [20_000], config=config)
    assert (found.verdict, found.decided_at) == ("suppressed", 12_000)
    (found,) = decisions(pair, [report("a", 4000, WALKED)], [20_000], config=config)
    assert (found.verdict, found.decided_at) == ("accepted", 4000)


def test_of_several_triggers_of_a_track_the_newest_report_counts() -> None:
    config = configuration(rule={"when": PAIR})
    pair = [trigger("door", 1000, moved=STILL), trigger("path", 2000, moved=WALKED)]
    (found,) = decisions(pair, config=config)
    assert (found.verdict, found.decided_at) == ("accepted", 2000)


def test_a_report_from_before_the_match_counts() -> None:
    config = configuration(rule={"when": PAIR})
    pair = [trigger("door", 1000, "a", moved=STILL), trigger("path", 9000, "b", moved=WALKED)]
    (found,) = decisions(pair, [report("a", 2000, WALKED)], [30_000], config=config)
    assert (found.verdict, found.decided_at) == ("accepted", 9000)


@pytest.mark.parametrize(
    ("reported_at", "verdict", "decided_at"),
    [(10_999, "accepted", 10_999), (11_000, "suppressed", 11_000)],
)
def test_ten_seconds_after_the_known_time_is_too_late(
    reported_at: int, verdict: str, decided_at: int
) -> None:
    standing = trigger("door", 0, known_at=1000, moved=STILL)
    (found,) = decisions([standing], [report("a", reported_at, WALKED)], [50_000])
    assert (found.verdict, found.decided_at) == (verdict, decided_at)


def test_a_static_object_is_never_accepted() -> None:
    standing = [trigger("door", at, moved=STILL) for at in range(0, 120_000, 700)]
    told = [report("a", at, STILL) for at in range(0, 120_000, 1000)]
    found = decisions(standing, told, [200_000])
    assert len(found) == len(standing)
    assert {one.verdict for one in found} == {"suppressed"}
    assert all(one.decided_at == one.candidate.known_at + 10_000 for one in found)


def test_the_rules_least_score_is_of_the_mean_so_far() -> None:
    config = configuration(rule={"when": term("door"), "min_score": 0.7})
    weak = trigger("door", 1000, score=0.6)
    told = [report("a", 2000, WALKED, 0.65), report("a", 3000, WALKED, 0.7)]
    (found,) = decisions([weak], told, config=config)
    assert (found.verdict, found.decided_at) == ("accepted", 3000)


def test_decisions_come_in_the_order_of_their_times() -> None:
    triggers = [trigger("door", 0, "a", moved=STILL), trigger("door", 10_500, "b")]
    last = sensed(9, 20_000, triggers, beat="online")
    (output,) = judged(matched(DOOR, [last]))
    assert [(d.candidate.track, d.decided_at) for d in output.decisions] == [
        ("a", 10_000),
        ("b", 10_500),
    ]


def test_repeats_have_no_effect() -> None:
    plan = FilterPlan.compile(DOOR, 1)
    state = new_state(SITE, "gate")
    outputs = inputs([trigger("door", 1000), trigger("door", 2000)])
    for i, output in enumerate(outputs):
        state, filtering = step(state, output, plan)
        assert filtering.judged is not None and filtering.judged.n == i + 1
        state, filtering = step(state, outputs[0], plan)
        assert (filtering.judged, filtering.dropped) == (None, "repeat")


def test_the_next_deadline_is_told() -> None:
    plan = FilterPlan.compile(DOOR, 1)
    state = new_state(SITE, "gate")
    assert next_deadline(state) is None
    for output in inputs([trigger("door", 1000, moved=STILL), trigger("door", 2000, moved=STILL)]):
        state, _ = step(state, output, plan)
    assert next_deadline(state) == 11_000


def test_what_waits_is_bounded_and_the_verdict_says_so(monkeypatch: Any) -> None:
    monkeypatch.setattr(filter_module, "PENDING_LIMIT", 3)
    standing = [trigger("door", at, f"t{at}", moved=STILL) for at in range(1000, 6000, 1000)]
    found = decisions(standing, [], [5000])
    assert [(d.candidate.track, d.verdict, d.decided_at) for d in found] == [
        ("t1000", "suppressed", 4000),
        ("t2000", "suppressed", 5000),
    ]
    last = found[0].reasons[-1]
    assert (last.check, last.favours, last.value) == ("waiting", False, 3.0)


def test_reports_are_remembered_as_long_as_a_match_may_span_and_no_longer() -> None:
    config = configuration(rule={"when": PAIR, "count": {"at_least": 2, "within_s": 5}})
    plan = FilterPlan.compile(config, 1)
    assert plan.memory_ms == 35_000
    either = configuration(rule={"when": {"any": [term("door"), PAIR]}})
    assert FilterPlan.compile(either, 1).memory_ms == 30_000
    state = new_state(SITE, "gate")
    outputs = inputs([], [report(f"t{i}", i) for i in range(100)], [20_000, 35_050], config)
    for output in outputs[:-1]:
        state, _ = step(state, output, plan)
    assert len(state.reports) == 100
    state, _ = step(state, outputs[-1], plan)
    assert sorted(state.reports) == sorted(f"t{i}" for i in range(51, 100))


@pytest.mark.parametrize("beats", [[], [15_000]])
def test_a_report_too_old_to_be_remembered_does_not_count_whenever_it_is_dropped(
    beats: list[int],
) -> None:
    config = configuration(rule={"when": term("door")}, pair={"when": {**PAIR, "within_s": 5}})
    known_late = replace(trigger("door", 0, known_at=20_000), report=report("a", 0, STILL))
    found = decisions([known_late], [report("a", 2000, WALKED)], [*beats, 50_000], config)
    assert [one.verdict for one in found] == ["suppressed"]


def test_remembered_reports_are_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(filter_module, "REPORT_LIMIT", 5)
    config = configuration(rule={"when": PAIR})
    plan = FilterPlan.compile(config, 1)
    state = new_state(SITE, "gate")
    for output in inputs([], [report(f"t{i}", i) for i in range(8)], [9], config):
        state, _ = step(state, output, plan)
    assert sorted(state.reports) == [f"t{i}" for i in range(3, 8)]
    assert state.evicted == 3


STEPS = st.lists(
    st.tuples(
        st.integers(1, 4000),
        st.sampled_from("ab"),
        st.sampled_from(["door", "path", None]),
        st.sampled_from([STILL, WALKED]),
    ),
    max_size=10,
)
BEATS = st.lists(st.integers(0, 40_000), max_size=8)
MIXED = configuration(
    one={"when": term("door")},
    two={"when": PAIR},
    three={"when": term("path"), "min_score": 0.9},
)


def story(steps: list[Any]) -> tuple[list[Trigger], list[TrackReport]]:
    at = 0
    triggers, reports = [], []
    for gap, track, sensor, moved in steps:
        at += gap
        if sensor is None:
            reports.append(report(track, at, moved, 0.95))
        else:
            triggers.append(trigger(sensor, at, track, moved=moved))
    return triggers, reports


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, beats=BEATS)
def test_the_cadence_of_beats_changes_nothing(steps: list[Any], beats: list[int]) -> None:
    triggers, reports = story(steps)
    sparse = decisions(triggers, reports, [90_000], config=MIXED)
    dense = decisions(triggers, reports, [*beats, 90_000], config=MIXED)
    assert dense == sparse
    known = [d.candidate.candidate_id for d in sparse]
    assert len(known) == len(set(known))
    outputs = inputs(triggers, reports, config=MIXED)
    assert len(known) == sum(len(output.candidates) for output in outputs)


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, beats=BEATS)
def test_a_state_written_and_read_at_any_moment_goes_on_the_same(
    steps: list[Any], beats: list[int]
) -> None:
    outputs = inputs(*story(steps), [*beats, 90_000], MIXED)
    straight = judged(outputs, MIXED)
    assert judged(outputs, MIXED, revive=True) == straight
    assert all(codec.decode(codec.encode(output)) == output for output in straight)
