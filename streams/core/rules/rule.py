"""One rule: what completes it, whether it holds then, and how many matches make a candidate.

The order is ``when``, then schedule and armed modes at the time of the completing trigger, then
``count``: a match outside its schedule is none, and does not count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from schemas.ids import candidate_id
from schemas.records import Candidate, FrameReference, Trigger
from schemas.site.schedule import Window, contains, next_start
from streams.core.grouping.key import GroupBy, group_key
from streams.core.rules.arming import ModesAt
from streams.core.rules.node import Match, Moment, Node
from streams.core.rules.states import (
    Counted,
    RuleState,
    TermState,
    is_idle,
    next_deadline,
    serials_of,
)

TRIGGER_LIMIT = 100
"""Triggers that a candidate carries, the last ones; its id is made of all."""
DEADLINE_LIMIT = 1000
"""Deadlines of one rule served by one input; an absence that would need more begins anew."""
COUNT_KEY_LIMIT = 1024
"""Groups in which matches are counted; beyond, the one that counted longest ago gives way."""

_CLEAR = 0.6
"""Of the best frame's score, at least: less clear, an object is shown where it was seen best."""


@dataclass(frozen=True)
class RulePlan:
    """A rule compiled; durations in milliseconds."""

    name: str
    site: str
    camera: str
    sensor: str
    """Camera and sensor of its first term: those of a candidate without triggers."""
    sensors: frozenset[str]
    root: Node
    windows: tuple[Window, ...] | None
    timezone: str
    armed: tuple[str, ...] | None
    count: tuple[int, int] | None
    """(at least, within_ms)."""
    group_by: GroupBy
    shadow: bool
    version: int

    @cached_property
    def digest(self) -> str:
        """Name the definition that a state belongs to."""
        parts = (self.root, self.windows, self.timezone, self.count, self.group_by)
        return sha256(repr(parts).encode()).hexdigest()[:16]

    def holds(self, at: int) -> bool:
        """Tell whether the schedule contains ``at``, UTC ms."""
        return contains(self.windows, self.timezone, at)

    def next_start(self, at: int) -> int | None:
        """Return when the schedule begins after ``at``, where an absence begins with it."""
        return next_start(self.windows, self.timezone, at) if self.root.leads else None


def begin(plan: RulePlan, at: int) -> RuleState:
    """Return a new state; an absence that stands first begins at ``at`` if the schedule holds."""
    root = plan.root.begin(at if plan.holds(at) else None, repeats=True)
    return RuleState(plan.digest, root, next_start_at=plan.next_start(at))


def advance(plan: RulePlan, state: RuleState, until: int, modes: ModesAt) -> list[Candidate]:
    """Serve every deadline up to ``until``, each at its own time; return the candidates."""
    if not (state.triggers or state.counted or state.next_start_at) and is_idle(state.root):
        return []
    found: list[Candidate] = []
    served = 0
    while (due := _next_due(state)) is not None and due <= until:
        served += 1
        if served == DEADLINE_LIMIT:
            plan.root.lead(state.root, until if plan.holds(until) else None)
            state.next_start_at = plan.next_start(until)
        elif due == state.next_start_at:
            plan.root.lead(state.root, due)
            state.next_start_at = plan.next_start(due)
        else:
            found += _observe(plan, state, Moment(due, None, state.triggers), modes)
    if state.triggers or not isinstance(state.root, TermState):
        _observe(plan, state, Moment(until, None, state.triggers), modes)
        _forget(plan, state, until)
    return found


def apply(
    plan: RulePlan, state: RuleState, trigger: Trigger, at: int, modes: ModesAt
) -> list[Candidate]:
    """Take in one trigger at ``at``, its known time; deadlines up to then are served already."""
    if trigger.sensor not in plan.sensors:
        return []
    serial = state.next_serial
    state.next_serial += 1
    if state.instant and not _same_instant(state.triggers[state.instant[-1]], trigger):
        state.instant = []
    state.instant.append(serial)
    state.triggers[serial] = trigger
    moment = Moment(at, serial, state.triggers, tuple(state.instant))
    found = _observe(plan, state, moment, modes)
    _forget(plan, state, at)
    return found


def _observe(plan: RulePlan, state: RuleState, moment: Moment, modes: ModesAt) -> list[Candidate]:
    if plan.root.leads and not plan.holds(moment.at):
        plan.root.lead(state.root, None)
    found: list[Candidate] = []
    for match in plan.root.observe(state.root, moment):
        used = frozenset(match.serials)
        state.instant = [serial for serial in state.instant if serial not in used]
        trigger = moment.trigger
        matched_at = moment.at if trigger is None else trigger.triggered_at
        if not plan.holds(matched_at) or not _is_armed(plan, modes(moment.at)):
            continue
        serials = _count(plan, state, match)
        if serials is not None:
            triggers = tuple(state.triggers[serial] for serial in serials)
            found.append(_candidate(plan, triggers, matched_at, moment.at))
    return found


def _is_armed(plan: RulePlan, modes: Collection[str]) -> bool:
    return plan.armed is None or any(mode in modes for mode in plan.armed)


def _count(plan: RulePlan, state: RuleState, match: Match) -> list[int] | None:
    """Return the triggers of all the matches once there are enough, each once, in order."""
    if plan.count is None:
        return list(match.serials)
    at_least, within_ms = plan.count
    _, camera, sensor, track = _origin(plan, [state.triggers[serial] for serial in match.serials])
    key = group_key(plan.group_by, plan.site, camera, sensor, track)
    earliest = match.completed_at - within_ms
    counted = [c for c in state.counted.pop(key, []) if c.known_at > earliest]
    counted.append(Counted(match.completed_at, list(match.serials)))
    if len(counted) >= at_least:
        return list(dict.fromkeys(serial for one in counted for serial in one.serials))
    state.counted[key] = counted
    while len(state.counted) > COUNT_KEY_LIMIT:
        del state.counted[next(iter(state.counted))]
    return None


def _forget(plan: RulePlan, state: RuleState, at: int) -> None:
    """Drop counts that are over and triggers that nothing refers to any more."""
    if plan.count is not None:
        earliest = at - plan.count[1]
        over = [key for key, counted in state.counted.items() if counted[-1].known_at <= earliest]
        for key in over:
            del state.counted[key]
    if isinstance(state.root, TermState) or (
        state.instant and state.triggers[state.instant[-1]].known_at < at
    ):
        state.instant = []
    needed = set(serials_of(state.root)).union(state.instant)
    needed.update(s for counted in state.counted.values() for one in counted for s in one.serials)
    for serial in [serial for serial in state.triggers if serial not in needed]:
        del state.triggers[serial]


def _next_due(state: RuleState) -> int | None:
    deadline_at = next_deadline(state.root)
    if deadline_at is None or state.next_start_at is None:
        return state.next_start_at if deadline_at is None else deadline_at
    return min(deadline_at, state.next_start_at)


def _same_instant(one: Trigger, other: Trigger) -> bool:
    return (one.known_at, one.triggered_at) == (other.known_at, other.triggered_at)


def _origin(plan: RulePlan, triggers: list[Trigger]) -> tuple[Trigger | None, str, str, str | None]:
    if not triggers:
        return None, plan.camera, plan.sensor, None
    last = triggers[-1]
    return last, last.camera, last.sensor, last.track


def _candidate(
    plan: RulePlan, triggers: tuple[Trigger, ...], matched_at: int, known_at: int
) -> Candidate:
    last, camera, sensor, track = _origin(plan, list(triggers))
    trigger_ids = [trigger.trigger_id for trigger in triggers]
    score = None if last is None else last.score
    return Candidate(
        candidate_id=candidate_id(plan.site, plan.name, matched_at, trigger_ids),
        site=plan.site,
        rule=plan.name,
        camera=camera,
        sensor=sensor,
        track=track,
        matched_at=matched_at,
        known_at=known_at,
        class_name=None if last is None else last.class_name,
        score=1.0 if score is None else score,
        shadow=plan.shadow,
        best=_best_frame(triggers),
        config_version=plan.version,
        triggers=triggers[-TRIGGER_LIMIT:],
    )


def _best_frame(triggers: tuple[Trigger, ...]) -> FrameReference | None:
    """Return what shows the match best, of the last trigger that has a track.

    That is where it fired, with the object at the line or in the zone, unless its track was seen much
    better elsewhere, or only time decided.
    """
    for trigger in reversed(triggers):
        if trigger.report is not None:
            best, frame = trigger.report.best, trigger.frame
            return best if frame is None or frame.score < _CLEAR * best.score else frame
    return None
