"""The filter stage: candidates in, decisions out.

A candidate is accepted as soon as the checks' joined score passes on every one of its tracks, judged
again with each report of them, and suppressed 10 s after the match's known time otherwise. What the
reports tell of a camera is learned on the way, and operators' remarks change what was decided.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from schemas.records import Candidate, Decision, Judged, Matched, Reason, Remark, TrackReport
from schemas.site import SiteConfig
from schemas.site.values import milliseconds
from streams.core.checks.judge import Jury
from streams.core.checks.pending import (
    PATIENCE_MS,
    PENDING_LIMIT,
    REPORT_LIMIT,
    Pending,
    accept,
    suppress,
    wait,
)
from streams.core.checks.registry import JURY
from streams.core.checks.remarks import Heard, take_remark
from streams.core.learning.learn import learn
from streams.core.learning.place import Learned
from streams.core.rules.compile import span_ms

MEMORY_LIMIT_MS = 600_000
"""A report is not remembered longer than this, however long a rule's ``within_s``."""


@dataclass(frozen=True)
class FilterPlan:
    """What the rules ask of their candidates under one configuration."""

    version: int
    min_scores: dict[str, float]
    memory_ms: int
    """How long a track's last report is remembered: as long as a match may span."""
    jury: Jury = JURY

    @classmethod
    def compile(cls, config: SiteConfig, version: int) -> FilterPlan:
        """Gather the rules' ``min_score`` and the longest span of a match."""
        spans = [
            span_ms(rule.when) + (0 if rule.count is None else milliseconds(rule.count.within_s))
            for rule in config.rules.values()
        ]
        min_scores = {name: rule.min_score for name, rule in sorted(config.rules.items())}
        return cls(version, min_scores, min(max(spans, default=0), MEMORY_LIMIT_MS))


class FilterState(Struct):
    """What the stage remembers for one key; changed in place by :func:`step`."""

    site: str
    key: str
    n: int = 0
    """Counts the outputs."""
    applied: int = -1
    """The last ``n`` of the match stage that was applied."""
    pending: list[Pending] = []
    """In the order of their deadlines."""
    reports: dict[str, TrackReport] = {}
    """The newest of each track, oldest first, as long as a match may need it."""
    evicted: int = 0
    """Candidates and reports given up because there were too many."""
    at: int = 0
    """Time reached by the inputs, UTC ms."""
    config_version: int = 0
    """Of the last input; remarks are taken in under it."""
    learned: dict[str, Learned] = {}
    """By camera."""
    heard: Heard = msgspec.field(default_factory=Heard)
    """Operators' remarks taken in."""


@dataclass(frozen=True, slots=True)
class Filtering:
    """What one input gives: a record for the next stage if there is anything to say."""

    judged: Judged | None
    dropped: str | None = None
    """Why the input had no effect: ``repeat``."""


def new_state(site: str, key: str) -> FilterState:
    """Return the state of a key of ``candidates`` that has seen nothing."""
    return FilterState(site, key)


def next_deadline(state: FilterState) -> int | None:
    """Return when, UTC ms, the next waiting candidate is suppressed; None where none waits."""
    return state.pending[0].deadline_at if state.pending else None


def step(
    state: FilterState, matched: Matched | Remark, plan: FilterPlan
) -> tuple[FilterState, Filtering]:
    """Apply one record to ``state``, in place, and return the decisions that it brings about."""
    if isinstance(matched, Remark):
        return state, _hear(state, matched)
    if matched.n <= state.applied:
        return state, Filtering(None, "repeat")
    state.applied = matched.n
    state.config_version = matched.config_version
    decisions: list[Decision] = []
    inputs: list[TrackReport | Candidate] = [*matched.reports, *matched.candidates]
    for item in sorted(inputs, key=_time):
        decisions += _expire(state, _time(item), plan)
        if isinstance(item, TrackReport):
            decisions += _report(state, item, plan)
        else:
            decisions += _admit(state, item, plan)
    decisions += _expire(state, matched.at, plan)
    _forget(state, plan, matched.at)
    state.at = max(state.at, matched.at)
    if matched.beat is None and not decisions:
        return state, Filtering(None)
    state.n += 1
    judged = Judged(
        site=state.site,
        key=state.key,
        n=state.n,
        at=matched.at,
        epoch_at=matched.epoch_at,
        config_version=matched.config_version,
        beat=matched.beat,
        decisions=tuple(decisions),
    )
    return state, Filtering(judged)


def _hear(state: FilterState, remark: Remark) -> Filtering:
    """Take in a remark at the time that the inputs before it have reached."""
    if remark.remark_id in state.heard.remarks:
        return Filtering(None, "repeat")
    decision = take_remark(state.heard, state.learned, remark, state.at)
    if decision is None:
        return Filtering(None)
    state.n += 1
    judged = Judged(
        site=state.site,
        key=state.key,
        n=state.n,
        at=state.at,
        config_version=state.config_version or remark.config_version,
        decisions=(decision,),
    )
    return Filtering(judged)


def _time(item: TrackReport | Candidate) -> int:
    return item.at if isinstance(item, TrackReport) else item.known_at


def _expire(state: FilterState, until: int, plan: FilterPlan) -> list[Decision]:
    due = [pending for pending in state.pending if pending.deadline_at <= until]
    state.pending = state.pending[len(due) :]
    return [suppress(pending, pending.deadline_at, plan.jury, state.learned) for pending in due]


def _report(state: FilterState, report: TrackReport, plan: FilterPlan) -> list[Decision]:
    state.reports.pop(report.track, None)
    state.reports[report.track] = report
    learn(state.learned, report)
    decisions: list[Decision] = []
    waiting: list[Pending] = []
    for pending in state.pending:
        decision = None
        if report.track in pending.tracks:
            pending.reports[report.track] = report
            decision = accept(pending, report.at, plan.jury, state.learned)
        if decision is None:
            waiting.append(pending)
        else:
            decisions.append(decision)
    state.pending = waiting
    return decisions


def _admit(state: FilterState, candidate: Candidate, plan: FilterPlan) -> list[Decision]:
    earliest = candidate.known_at - plan.memory_ms
    remembered = {t: report for t, report in state.reports.items() if report.at > earliest}
    pending = wait(candidate, plan.min_scores.get(candidate.rule, 0.0), remembered)
    decision = accept(pending, candidate.known_at, plan.jury, state.learned)
    if decision is not None:
        return [decision]
    state.pending.append(pending)
    state.pending.sort(key=lambda waiting: waiting.deadline_at)
    if len(state.pending) <= PENDING_LIMIT:
        return []
    state.evicted += 1
    oldest = state.pending.pop(0)
    waited_s = (candidate.known_at - oldest.deadline_at + PATIENCE_MS) / 1000
    overrun = Reason(check="waiting", favours=False, value=waited_s)
    return [suppress(oldest, candidate.known_at, plan.jury, state.learned, overrun)]


def _forget(state: FilterState, plan: FilterPlan, now: int) -> None:
    over = [t for t, report in state.reports.items() if report.at <= now - plan.memory_ms]
    excess = len(state.reports) - len(over) - REPORT_LIMIT
    if excess > 0:
        state.evicted += excess
        over += [track for track in state.reports if track not in set(over)][:excess]
    for track in over:
        del state.reports[track]
