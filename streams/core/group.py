"""The group stage: decisions in, events and final verdicts out.

Events group the accepted candidates of one rule and group key, by the time of the decision. While
an event's rule cools down after its closing, what is accepted opens nothing; what a rule in shadow
mode accepts is only recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from schemas.records import Decision, Event, Judged, Verdict
from schemas.site import SiteConfig
from schemas.site.rules import Rule
from schemas.site.values import milliseconds
from streams.core.grouping.events import (
    OpenEvent,
    RuleGrouping,
    add,
    open_event,
    record,
    revise,
)
from streams.core.grouping.key import group_key
from streams.core.grouping.verdicts import verdict_on

OPEN_LIMIT = 4096
"""Open events of one key; beyond, the one that would close first closes at once."""
COOLING_LIMIT = 4096
"""Groups that cool down; beyond, the one that would end first ends at once."""
FIRST_RESTORED = 2
"""Revision of a decision by which an operator accepts what was suppressed; at a higher one the
candidate was accepted once before, and has its event."""


@dataclass(frozen=True)
class GroupPlan:
    """How the rules group under one configuration."""

    version: int
    rules: dict[str, RuleGrouping]

    @classmethod
    def compile(cls, config: SiteConfig, version: int) -> GroupPlan:
        """Gather each rule's grouping, cool-down, severity and mode."""
        rules = {name: _grouping(rule) for name, rule in sorted(config.rules.items())}
        return cls(version, rules)


class GroupState(Struct):
    """What the stage remembers for one key; changed in place by :func:`step`."""

    site: str
    key: str
    applied: int = -1
    """The last ``n`` of the filter stage that was applied."""
    open: dict[str, OpenEvent] = {}
    """By ``<rule>/<group key>``."""
    cooling: dict[str, int] = {}
    """Until when, UTC ms, by ``<rule>/<group key>``."""
    evicted: int = 0
    """Events and cool-downs ended early because there were too many."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """What one input gives."""

    events: tuple[Event, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    dropped: str | None = None
    """Why the input had no effect: ``repeat``."""


def new_state(site: str, key: str) -> GroupState:
    """Return the state of a key of ``judged`` that has seen nothing."""
    return GroupState(site, key)


def next_deadline(state: GroupState) -> int | None:
    """Return when, UTC ms, the next open event closes; None where none is open."""
    return min((event.deadline_at for event in state.open.values()), default=None)


def step(state: GroupState, judged: Judged, plan: GroupPlan) -> tuple[GroupState, Grouped]:
    """Apply one record to ``state``, in place, and return the changes of events and the verdicts."""
    if judged.n <= state.applied:
        return state, Grouped(dropped="repeat")
    state.applied = judged.n
    events: list[Event] = []
    verdicts: list[Verdict] = []
    for decision in judged.decisions:
        events += _close_due(state, decision.decided_at)
        if decision.verdict == "suppressed" and decision.revision == 1:
            verdicts.append(verdict_on(decision, "suppressed", None))
        elif decision.verdict == "suppressed" or decision.revision > FIRST_RESTORED:
            changes, verdict = _revise(state, decision)
            events += changes
            verdicts.append(verdict)
        elif decision.candidate.shadow:
            verdicts.append(verdict_on(decision, "shadow", None))
        else:
            changes, verdict = _accept(state, decision, plan)
            events += changes
            verdicts.append(verdict)
    events += _close_due(state, judged.at)
    return state, Grouped(tuple(events), tuple(verdicts))


def _accept(state: GroupState, decision: Decision, plan: GroupPlan) -> tuple[list[Event], Verdict]:
    candidate = decision.candidate
    # A candidate may outlive its rule by the time that the filter took.
    grouping = plan.rules.get(candidate.rule) or _grouping(None)
    by_key = group_key(grouping.by, state.site, candidate.camera, candidate.sensor, candidate.track)
    name = f"{candidate.rule}/{by_key}"
    event = state.open.get(name)
    if event is not None:
        add(event, decision, grouping)
        change = record(event, state.site, "updated", decision.decided_at)
        return [change], verdict_on(decision, "accepted", event.event_id)
    # What an operator restores is not held back.
    if name in state.cooling and decision.revision == 1:
        return [], verdict_on(decision, "cooling", None)
    changes: list[Event] = []
    if len(state.open) >= OPEN_LIMIT:
        state.evicted += 1
        first = min(state.open, key=lambda key: (state.open[key].deadline_at, key))
        changes.append(_close(state, first, decision.decided_at))
    event = state.open[name] = open_event(decision, by_key, grouping)
    changes.append(record(event, state.site, "opened", decision.decided_at))
    return changes, verdict_on(decision, "accepted", event.event_id)


def _revise(state: GroupState, decision: Decision) -> tuple[list[Event], Verdict]:
    """Take in an operator's word on a candidate that was accepted before."""
    candidate = decision.candidate.candidate_id
    event = _open_event_of(state, candidate, decision.event_id)
    if event is None:
        # Its event has closed and says no more; the verdict goes on naming it.
        return [], verdict_on(decision, decision.verdict, decision.event_id)
    changed = revise(event, candidate, decision.verdict == "suppressed")
    changes = [record(event, state.site, "updated", decision.decided_at)] if changed else []
    return changes, verdict_on(decision, decision.verdict, event.event_id)


def _open_event_of(state: GroupState, candidate: str, named: str | None) -> OpenEvent | None:
    mark = f'"candidate":"{candidate}"'
    for event in state.open.values():
        if event.event_id == named or any(mark in told for told in event.provenance):
            return event
    return None


def _close_due(state: GroupState, until: int) -> list[Event]:
    """Close what is due up to ``until``, each at its own time; end what has cooled down by then."""
    due = sorted(
        (event.deadline_at, name)
        for name, event in state.open.items()
        if event.deadline_at <= until
    )
    closed = [_close(state, name, deadline_at) for deadline_at, name in due]
    for name in [name for name, cooled_at in state.cooling.items() if cooled_at <= until]:
        del state.cooling[name]
    return closed


def _close(state: GroupState, name: str, at: int) -> Event:
    event = state.open.pop(name)
    event.revision += 1
    if event.cooldown_ms > 0:
        state.cooling[name] = at + event.cooldown_ms
        if len(state.cooling) > COOLING_LIMIT:
            state.evicted += 1
            del state.cooling[min(state.cooling, key=lambda key: (state.cooling[key], key))]
    return record(event, state.site, "closed", at)


def _grouping(rule: Rule | None) -> RuleGrouping:
    if rule is None:
        return RuleGrouping("camera", 30_000, 0, "warning", "live")
    return RuleGrouping(
        by=rule.group.by,
        within_ms=milliseconds(rule.group.within_s),
        cooldown_ms=milliseconds(rule.cooldown_s),
        severity=rule.severity,
        mode=rule.mode,
    )
