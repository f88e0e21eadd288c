"""The match stage: triggers in, candidates out, one state per camera or per site.

Deadlines and ``within_s`` run on known times and schedules on true ones; reports and beats are
passed on in order, so that time moves downstream.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from msgspec import Struct

from schemas.records import Candidate, Matched, Sensed
from schemas.site import SiteConfig
from schemas.site.rules import Rule
from schemas.site.values import milliseconds
from schemas.site.when import terms
from streams.core.rules.arming import Arming, modes_at
from streams.core.rules.compile import compile_when
from streams.core.rules.merge import (
    Member,
    boundary,
    forget,
    pop_ready,
    shed,
    take_in,
    watermark,
)
from streams.core.rules.rule import RulePlan, advance, apply, begin
from streams.core.rules.states import RuleState, evicted_below


@dataclass(frozen=True)
class MatchPlan:
    """The rules of one key under one configuration."""

    version: int
    key: str
    cameras: frozenset[str]
    """Cameras whose triggers concern these rules."""
    rules: tuple[RulePlan, ...]
    modes: tuple[str, ...] = ()
    """Modes that the site is armed in."""

    @classmethod
    def compile(cls, config: SiteConfig, key: str, version: int) -> MatchPlan:
        """Pick and compile the rules of ``key``.

        A camera's name takes the rules whose sensors are all its own; ``site/<site>`` takes those
        across cameras and those grouped by site.
        """
        site_key = f"site/{config.site}"
        cameras: set[str] = set()
        rules: list[RulePlan] = []
        for name, rule in sorted(config.rules.items()):
            concerned = {config.sensors[term.sensor].camera for term in terms(rule.when)}
            across = len(concerned) > 1 or rule.group.by == "site"
            if key == (site_key if across else next(iter(concerned))):
                rules.append(_rule_plan(config, name, rule, version))
                cameras |= concerned
        return cls(version, key, frozenset(cameras), tuple(rules), config.modes)


class MatchState(Struct):
    """What the stage remembers for one key; changed in place by :func:`step`."""

    site: str
    key: str
    n: int = 0
    """Counts the outputs."""
    clock: int | None = None
    """Time reached, UTC ms."""
    members: dict[str, Member] = {}
    rules: dict[str, RuleState] = {}
    modes: list[str] = []
    """Modes set by command; a rule with ``armed`` holds in any of its own."""
    changes: list[Arming] = []
    """Changes of the modes that are not reached yet, in order."""
    ended: bool = False
    """After the last frame of a replay no absence completes."""
    evicted: int = 0
    """Cameras taken for offline because too much was held back for them."""


@dataclass(frozen=True, slots=True)
class Matching:
    """What one input gives: a record for the next stage if there is anything to say."""

    matched: Matched | None
    dropped: str | None = None
    """Why the input had no effect: ``repeat``."""


def new_state(site: str, key: str) -> MatchState:
    """Return the state of a camera, or of ``site/<site>``, that has seen nothing."""
    return MatchState(site, key)


def version_for(state: MatchState, sensed: Sensed) -> int:
    """Return the configuration version to judge ``sensed`` under: the lowest among its cameras."""
    others = [
        m.config_version for key, m in state.members.items() if m.online and key != sensed.key
    ]
    across = state.key != sensed.key
    return min(sensed.config_version, *others) if across and others else sensed.config_version


def finish(state: MatchState) -> MatchState:
    """Say that the last frame has been stepped: an absence that still waits never completes."""
    state.ended = True
    return state


def evicted(state: MatchState) -> int:
    """Return how often a limit of this state was reached and something had to give way."""
    return state.evicted + sum(evicted_below(rule.root) for rule in state.rules.values())


def step(state: MatchState, sensed: Sensed, plan: MatchPlan) -> tuple[MatchState, Matching]:
    """Apply one record to ``state``, in place, and return what the rules make of it."""
    if not take_in(state.members, sensed):
        return state, Matching(None, "repeat")
    earlier = state.clock
    if sensed.key == state.key:
        now, below = sensed.at, None
    else:
        state.evicted += shed(state.members, plan.cameras)
        now = below = watermark(state.members, plan.cameras)
    now = now if earlier is None else max(now, earlier)
    _arm(state, plan, sensed, now)
    triggers, reports = pop_ready(state.members, below if below is None else now)
    timed = [(t.known_at if earlier is None else max(t.known_at, earlier), t) for t in triggers]
    begun_at = min([now, *[at for at, _ in timed]])
    state.rules = {rule.name: _current(state, rule, begun_at) for rule in plan.rules}
    modes = partial(modes_at, state.modes, state.changes)
    candidates: list[Candidate] = []
    for rule in plan.rules:
        rule_state = state.rules[rule.name]
        for at, trigger in timed:
            if not state.ended:
                candidates += advance(rule, rule_state, at, modes)
            candidates += apply(rule, rule_state, trigger, at, modes)
        if not state.ended:
            candidates += advance(rule, rule_state, now, modes)
    state.clock = now
    state.modes = list(modes(now))
    state.changes = [change for change in state.changes if change.at > now]
    forget(state.members, plan.cameras | {state.key}, now)
    if sensed.beat is None and not candidates and not reports:
        return state, Matching(None)
    state.n += 1
    matched = Matched(
        site=state.site,
        key=state.key,
        n=state.n,
        at=now,
        epoch_at=sensed.epoch_at if sensed.key == state.key else None,
        config_version=plan.version,
        beat=sensed.beat,
        candidates=tuple(sorted(candidates, key=_order)),
        reports=tuple(reports),
    )
    return state, Matching(matched)


def _arm(state: MatchState, plan: MatchPlan, sensed: Sensed, now: int) -> None:
    """Note a change of modes: from the record that brings it on, or from the last camera's.

    What a deadline decided before then is judged in the modes of before, whenever it is told.
    """
    wanted = list(plan.modes)
    if state.clock is None:
        state.modes = wanted
    last = state.changes[-1].modes if state.changes else state.modes
    if wanted == last:
        return
    own = sensed.key == state.key
    since_at = sensed.at if own else boundary(state.members, plan.cameras)
    earliest = now if state.clock is None else state.clock
    if state.changes:
        earliest = max(earliest, state.changes[-1].at)
    state.changes.append(Arming(max(earliest, now if since_at is None else since_at), wanted))


def _current(state: MatchState, rule: RulePlan, at: int) -> RuleState:
    known = state.rules.get(rule.name)
    return known if known is not None and known.digest == rule.digest else begin(rule, at)


def _order(candidate: Candidate) -> tuple[int, int, str, str, str, str]:
    track = candidate.track or ""
    times = candidate.known_at, candidate.matched_at
    return (*times, candidate.camera, candidate.sensor, track, candidate.rule)


def _rule_plan(config: SiteConfig, name: str, rule: Rule, version: int) -> RulePlan:
    sensors = [term.sensor for term in terms(rule.when)]
    count = rule.count
    return RulePlan(
        name=name,
        site=config.site,
        camera=config.sensors[sensors[0]].camera,
        sensor=sensors[0],
        sensors=frozenset(sensors),
        root=compile_when(rule.when),
        windows=rule.schedule,
        timezone=config.timezone,
        armed=rule.armed,
        count=None if count is None else (count.at_least, milliseconds(count.within_s)),
        group_by=rule.group.by,
        shadow=rule.mode == "shadow",
        version=version,
    )
