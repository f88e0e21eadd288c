"""Who is told of an event, when, and who is not: pure, for one event at a time.

``step(told, change, policy)`` returns what has been planned for the event by now and what is new.
What was planned once (a target and a state of the event) is never planned again, so that repeats,
restarts and further revisions of the same state change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from consumers.api.shapes.routing import Recipients, Route
from consumers.notify.occurrence import Occurrence
from consumers.notify.policy import Policy
from schemas.site.schedule import contains

ESCALATED = "escalated"
GIVE_UP_AFTER_MS = 24 * 3600 * 1000
"""How long sending is tried at all: an alert of yesterday helps nobody."""

Told = frozenset[tuple[UUID, str]]
"""(target, state) of everything planned for one event."""


@dataclass(frozen=True, slots=True)
class Change:
    """An event came to a state, and when we learned of it (UTC ms)."""

    occurrence: Occurrence
    now_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One thing that a target is to be told, or why it is not; times are UTC ms."""

    target_id: UUID
    route_id: UUID
    state: str
    status: Literal["pending", "collecting", "muted", "skipped"]
    reason: str = ""
    due_at: int
    snapshot_until: int
    give_up_at: int
    unless_acknowledged: bool = False


def step(told: Told, change: Change, policy: Policy) -> tuple[Told, tuple[Planned, ...]]:
    """Plan what a change of an event brings with it.

    Where several routes lead to one target, it is told as early as the earliest of them says.
    """
    chosen: dict[tuple[UUID, str], Planned] = {}
    for planned in _candidates(change, policy):
        key = (planned.target_id, planned.state)
        if key not in told and (key not in chosen or _rank(planned) < _rank(chosen[key])):
            chosen[key] = planned
    return told | chosen.keys(), tuple(chosen.values())


def is_muted(
    policy: Policy, target_id: UUID, site: str | None, camera: str | None, rule: str, now_at: int
) -> bool:
    """Tell whether a mute holds for this target and place at this moment."""
    owner = policy.targets[target_id].user_id if target_id in policy.targets else None
    return any(
        now_at < mute.until
        and mute.user_id in (None, owner)
        and mute.site in (None, site)
        and mute.camera in (None, camera)
        and mute.rule in (None, rule)
        for mute in policy.mutes
    )


def matches(route: Route, occurrence: Occurrence, policy: Policy) -> bool:
    """Tell whether a route is for events like this, whatever their state."""
    when = route.when
    place = (occurrence.site, occurrence.camera)
    return (
        route.enabled
        and occurrence.mode == "live"
        and _any(when.severities, occurrence.severity)
        and _any(when.sites, occurrence.site)
        and _any(when.rules, occurrence.rule)
        and _any(when.classes, occurrence.class_name)
        and _any([(named.site, named.camera) for named in when.cameras], place)
        and (
            not when.camera_groups
            or any(place in policy.groups.get(group, ()) for group in when.camera_groups)
        )
        # The time at which it opened decides for all its states, so that what was said to have
        # begun is also said to have ended.
        and contains(when.windows(), when.timezone or occurrence.timezone, occurrence.opened_at)
    )


def _candidates(change: Change, policy: Policy) -> Iterator[Planned]:
    occurrence = change.occurrence
    for route_id, route in policy.routes.items():
        if not matches(route, occurrence, policy):
            continue
        for target_id in _reached(route, occurrence, policy):
            reach = policy.targets[target_id]
            if occurrence.state in route.when.states or occurrence.state in reach.states:
                digest_s = route.digest_s if reach.collects else 0
                yield _plan(change, policy, route_id, target_id, occurrence.state, digest_s, 0)
        escalation = policy.escalations.get(route.escalation) if route.escalation else None
        if escalation is None or occurrence.state != "opened":
            continue
        for further in escalation.steps:
            for target_id in _reached(further, occurrence, policy):
                yield _plan(change, policy, route_id, target_id, ESCALATED, 0, further.after_s)


def _plan(
    change: Change,
    policy: Policy,
    route_id: UUID,
    target_id: UUID,
    state: str,
    digest_s: int,
    after_s: int,
) -> Planned:
    occurrence, now_at = change.occurrence, change.now_at
    route = policy.routes[route_id]
    status: Literal["pending", "collecting", "muted", "skipped"] = "pending"
    reason = ""
    if now_at - occurrence.at > route.max_age_s * 1000:
        status, reason = "skipped", "too-old"
    elif state != ESCALATED and is_muted(
        policy, target_id, occurrence.site, occurrence.camera, occurrence.rule, now_at
    ):
        # Whether a later step is muted is asked when it is due.
        status, reason = "muted", "muted"
    elif digest_s:
        status = "collecting"
    due_at = now_at + (digest_s + after_s) * 1000
    # Later states and steps come when the picture has long been there, or never will be.
    waits = state == "opened" and not digest_s
    return Planned(
        target_id=target_id,
        route_id=route_id,
        state=state,
        status=status,
        reason=reason,
        due_at=due_at,
        snapshot_until=now_at + route.snapshot_wait_s * 1000 * waits,
        give_up_at=due_at + GIVE_UP_AFTER_MS,
        unless_acknowledged=state == ESCALATED,
    )


def _reached(whom: Recipients, occurrence: Occurrence, policy: Policy) -> Iterator[UUID]:
    named, users = set(whom.targets), set(whom.users)
    for target_id, reach in policy.targets.items():
        if reach.user_id is None:
            if target_id in named:
                yield target_id
        elif (whom.everyone or reach.user_id in users) and reach.scope.allows(
            occurrence.site, occurrence.camera
        ):
            yield target_id


def _rank(planned: Planned) -> tuple[int, int]:
    # Sent before not sent, the earlier before the later.
    return planned.status not in ("pending", "collecting"), planned.due_at


def _any(wanted: Sequence[object], found: object) -> bool:
    return not wanted or found in wanted
