from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from schemas.records import Decision, Judged, Matched, Remark
from streams.core import group as grouping
from streams.core.filter import FilterPlan, FilterState, new_state, step
from streams.core.group import GroupPlan
from streams.core.learning.told import ENOUGH
from tests.unit.streams.core.rules.scenario import SITE, configuration, matched, sensed, term
from tests.unit.streams.core.rules.scenario import trigger as make_trigger

CONFIG = configuration(rule={"when": term("door"), "group": {"within_s": 5}})
PLAN = FilterPlan.compile(CONFIG, 1)
STILL = 0.1


def trigger(at: int, *, x: float = 0.4, moved: float = 2.0) -> Any:
    made = make_trigger("door", at, f"gate-0-{at}-0", moved=moved)
    return replace(made, anchor=(x, 0.5))


def remark(number: int, decision: Decision | None, verdict: str) -> Remark:
    return Remark(
        site=SITE,
        key="gate",
        config_version=1,
        remark_id=f"f{number}",
        verdict=verdict,  # type: ignore[arg-type]
        author="ana",
        said_at=0,
        camera="gate",
        decision=decision,
    )


class Filtered:
    """The filter stage, its state written and read between any two inputs."""

    def __init__(self) -> None:
        self.state: FilterState = new_state(SITE, "gate")
        self.judged: list[Judged] = []

    def feed(self, one: Matched | Remark) -> tuple[Decision, ...]:
        packed = msgspec.msgpack.encode(self.state)
        state = msgspec.msgpack.Decoder(FilterState).decode(packed)
        self.state, filtering = step(state, one, PLAN)
        if filtering.judged is None:
            return ()
        self.judged.append(filtering.judged)
        return filtering.judged.decisions

    def see(self, triggers: Sequence[Any], at: int) -> tuple[Decision, ...]:
        """Let a match stage of its own make candidates of the triggers, at ``at``."""
        (output,) = matched(CONFIG, [sensed(0, at, triggers, beat="online")])
        return self.feed(replace(output, n=self.state.applied + 1))


def dismissed(times: int, verdict: str = "dismissed") -> Filtered:
    stage = Filtered()
    for number in range(times):
        at = 1000 * (number + 1)
        (decision,) = stage.see([trigger(at)], at)
        assert decision.verdict == "accepted"
        (revised,) = stage.feed(remark(number, decision, verdict))
        assert (revised.verdict, revised.revision) == ("suppressed", 2)
    return stage


def test_five_dismissals_suppress_the_sixth_of_its_kind_at_its_place_and_say_so() -> None:
    stage = dismissed(ENOUGH)
    assert stage.see([trigger(60_000)], 60_000) == ()
    (sixth,) = stage.see([], 71_000)
    assert sixth.verdict == "suppressed"
    (told,) = (one for one in sixth.reasons if one.check == "told")
    assert (told.favours, told.value) == (False, ENOUGH)


def test_four_do_not_and_a_confirmation_counts_against_them() -> None:
    (fifth,) = dismissed(ENOUGH - 1).see([trigger(60_000)], 60_000)
    assert fifth.verdict == "accepted"
    stage = dismissed(ENOUGH)
    assert stage.see([trigger(60_000)], 60_000) == ()
    (sixth,) = stage.see([], 71_000)
    stage.feed(remark(50, sixth, "confirmed"))
    (seventh,) = stage.see([trigger(80_000)], 80_000)
    assert seventh.verdict == "accepted"


def test_ignored_here_needs_to_be_said_once() -> None:
    stage = dismissed(1, "ignored_here")
    assert stage.see([trigger(60_000)], 60_000) == ()


def test_a_real_event_elsewhere_or_of_another_kind_is_untouched() -> None:
    stage = dismissed(ENOUGH)
    (elsewhere,) = stage.see([trigger(60_000, x=0.9)], 60_000)
    assert elsewhere.verdict == "accepted"
    here = trigger(61_000)
    large = replace(here, report=replace(here.report, box_height=0.6))
    (larger,) = stage.see([large], 61_000)
    assert larger.verdict == "accepted"
    car = replace(here, report=replace(here.report, class_name="car"))
    (other,) = stage.see([replace(car, triggered_at=62_000, known_at=62_000)], 62_000)
    assert other.verdict == "accepted"


def test_the_same_remark_counts_once() -> None:
    stage = Filtered()
    (decision,) = stage.see([trigger(1000)], 1000)
    stage.feed(remark(1, decision, "dismissed"))
    assert stage.feed(remark(1, decision, "dismissed")) == ()
    assert [word.count for word in stage.state.learned["gate"].words] == [1]


def test_a_reset_forgets_what_was_learned() -> None:
    stage = dismissed(ENOUGH)
    stage.feed(remark(99, None, "reset"))
    (sixth,) = stage.see([trigger(60_000)], 60_000)
    assert sixth.verdict == "accepted"


def suppressed() -> tuple[Filtered, Decision]:
    stage = Filtered()
    assert stage.see([trigger(1000, moved=STILL)], 1000) == ()
    (decision,) = stage.see([], 20_000)
    assert decision.verdict == "suppressed"
    return stage, decision


def test_a_confirmed_candidate_that_was_suppressed_opens_its_event() -> None:
    stage, decision = suppressed()
    (restored,) = stage.feed(remark(1, decision, "confirmed"))
    assert (restored.verdict, restored.revision, restored.decided_at) == ("accepted", 2, 20_000)
    assert [one.check for one in restored.reasons][-1] == "operator"
    assert stage.feed(remark(2, decision, "confirmed")) == ()
    state = grouping.new_state(SITE, "gate")
    plan = GroupPlan.compile(CONFIG, 1)
    told: list[Any] = []
    for output in stage.judged:
        state, grouped = grouping.step(state, output, plan)
        told += [(v.verdict, v.revision, v.event_id is None) for v in grouped.verdicts]
        told += [(e.state, e.revision, e.opened_at) for e in grouped.events]
    assert told == [
        ("suppressed", 1, True),
        ("accepted", 2, False),
        ("opened", 1, 1000),
    ]


def test_a_change_of_mind_opens_no_second_event() -> None:
    stage, decision = suppressed()
    stage.feed(remark(1, decision, "confirmed"))
    (again,) = stage.feed(remark(2, decision, "dismissed"))
    (third,) = stage.feed(remark(3, again, "confirmed"))
    assert [again.revision, third.revision] == [3, 4]
    state = grouping.new_state(SITE, "gate")
    plan = GroupPlan.compile(CONFIG, 1)
    events, verdicts = [], []
    for output in stage.judged:
        state, grouped = grouping.step(state, output, plan)
        events += [(event.state, event.verdict) for event in grouped.events]
        verdicts += [(v.verdict, v.event_id) for v in grouped.verdicts]
    assert events == [("opened", "accepted"), ("updated", "suppressed"), ("updated", "accepted")]
    (opened,) = state.open.values()
    assert verdicts[1:] == [
        ("accepted", opened.event_id),
        ("suppressed", opened.event_id),
        ("accepted", opened.event_id),
    ]
