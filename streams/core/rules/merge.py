"""Inputs of one or several cameras, each once and in the order of known times.

One camera's records come in order already. Several cameras are merged by watermark: what is known
below the lowest time among them is complete. A camera leaves the watermark with an ``offline``
beat and returns with its next epoch; with every camera away the latest time holds.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from schemas.records import Sensed, TrackReport, Trigger

WAITING_LIMIT = 10_000
"""Triggers and reports held back; beyond, the camera that lags most is taken to be offline."""
FORGET_MS = 7 * 24 * 3_600_000
"""As long as the topic is kept, repeats may come; then a camera that went silent is forgotten."""


class Member(Struct):
    """One producing camera: the last number applied, its clock, and what is held back."""

    applied: int
    at: int
    epoch_at: int | None
    online: bool
    config_version: int
    version_at: int = 0
    """Time of its first record under that version."""
    triggers: list[Trigger] = []
    reports: list[TrackReport] = []


def take_in(members: dict[str, Member], sensed: Sensed) -> bool:
    """Add a record to its camera's; False and no effect if it was applied before."""
    member = members.get(sensed.key)
    if member is None:
        # A camera never seen is offline: it joins with the first record of an epoch.
        online = sensed.epoch_at is not None and sensed.beat != "offline"
        member = Member(
            sensed.n, sensed.at, sensed.epoch_at, online, sensed.config_version, sensed.at
        )
        members[sensed.key] = member
    elif sensed.n <= member.applied:
        return False
    else:
        member.online = _is_online(member, sensed)
        member.applied = sensed.n
        member.at = max(member.at, sensed.at)
        member.epoch_at = sensed.epoch_at
        if member.config_version != sensed.config_version:
            member.config_version, member.version_at = sensed.config_version, sensed.at
    member.triggers += sensed.triggers
    member.reports += sensed.reports
    return True


def watermark(members: dict[str, Member], cameras: Collection[str]) -> int:
    """Return the time, UTC ms, below which all that the cameras know has come."""
    concerned = [member for key, member in members.items() if key in cameras]
    online = [member.at for member in concerned if member.online]
    return min(online) if online else max(member.at for member in concerned or members.values())


def boundary(members: dict[str, Member], cameras: Collection[str]) -> int | None:
    """Return since when all cameras that are online have been under their versions, UTC ms.

    It does not depend on how their records interleave. None: no camera is online.
    """
    times = [m.version_at for key, m in members.items() if m.online and key in cameras]
    return max(times, default=None)


def shed(members: dict[str, Member], cameras: Collection[str]) -> int:
    """Take the cameras that lag most for offline while too much is held back; return how many."""
    count = 0
    while sum(len(m.triggers) + len(m.reports) for m in members.values()) > WAITING_LIMIT:
        online = [m for key, m in sorted(members.items()) if m.online and key in cameras]
        if len(online) < 2:
            break
        slowest = min(online, key=lambda member: member.at)
        slowest.online, slowest.epoch_at = False, None
        count += 1
        if watermark(members, cameras) > slowest.at:
            break
    return count


def pop_ready(
    members: dict[str, Member], below: int | None
) -> tuple[list[Trigger], list[TrackReport]]:
    """Take out what is known below a time (None: everything), in the order of the stage."""
    triggers: list[Trigger] = []
    reports: list[TrackReport] = []
    for member in members.values():
        if below is None:
            triggers += member.triggers
            reports += member.reports
            member.triggers, member.reports = [], []
            continue
        triggers += [t for t in member.triggers if t.known_at < below]
        reports += [r for r in member.reports if r.at < below]
        member.triggers = [t for t in member.triggers if t.known_at >= below]
        member.reports = [r for r in member.reports if r.at >= below]
    triggers.sort(key=lambda t: (t.known_at, t.triggered_at, t.camera, t.sensor, t.track or ""))
    reports.sort(key=lambda report: (report.at, report.track))
    return triggers, reports


def forget(members: dict[str, Member], cameras: Collection[str], now: int) -> None:
    """Drop cameras that no rule names any more and whose records are gone from the topic."""
    gone = [k for k, m in members.items() if k not in cameras and m.at < now - FORGET_MS]
    for key in gone:
        del members[key]


def _is_online(member: Member, sensed: Sensed) -> bool:
    if sensed.beat == "offline":
        return False
    returned = sensed.epoch_at is not None and sensed.epoch_at != member.epoch_at
    return member.online or returned
