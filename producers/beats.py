"""A camera's clock as the other stages see it: when a beat is written, and at what time.

Architecture, section 5: the last sampled picture's time, sent or held back; once stalled, that plus
the monotonic time since; the host's only before the first epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

State = Literal["online", "stalled", "offline"]

STALLED_AFTER_MS = 3000
OFFLINE_AFTER_MS = 10_000


@dataclass(frozen=True, slots=True)
class CameraTime:
    """What is known of one camera's time; ``…_at`` UTC ms, ``…_monotonic_ms`` the host's."""

    live: bool
    """Files and scenes stall only at their end: however slow, their time stands still."""
    written_at: int | None = None
    """Highest time written for the camera, by this process or one before."""
    epoch_at: int | None = None
    sampled_at: int = 0
    """Time of the last sampled picture of the epoch, sent or held back."""
    sampled_monotonic_ms: int = 0
    seen_monotonic_ms: int = 0
    """When the last picture was decoded."""
    held: bool = False
    """The motion gate held the last sampled picture back."""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a beat says."""

    beat_at: int
    state: State
    epoch_at: int | None
    still: bool


def opened(time: CameraTime, epoch_at: int, monotonic_ms: int) -> CameraTime:
    """Return the time at the first picture of an epoch."""
    return replace(
        time,
        epoch_at=epoch_at,
        # Until the first frame is written nothing at or above the anchor may be promised.
        sampled_at=epoch_at - 1,
        sampled_monotonic_ms=monotonic_ms,
        seen_monotonic_ms=monotonic_ms,
        held=False,
        ended=False,
    )


def seen(time: CameraTime, monotonic_ms: int) -> CameraTime:
    """Return the time after a picture was decoded."""
    return replace(time, seen_monotonic_ms=monotonic_ms)


def sampled(time: CameraTime, at: int, monotonic_ms: int, *, sent: bool) -> CameraTime:
    """Return the time after a picture was written, or held back by the motion gate."""
    written_at = at if sent else time.written_at
    return replace(
        time, sampled_at=at, sampled_monotonic_ms=monotonic_ms, held=not sent, written_at=written_at
    )


def ended(time: CameraTime, monotonic_ms: int) -> CameraTime:
    """Return the time after a file's end: from now on it goes with the monotonic clock."""
    return replace(time, ended=True, sampled_monotonic_ms=monotonic_ms)


def state_of(time: CameraTime, monotonic_ms: int) -> State:
    """Return whether pictures come: stalled after 3 s without one, offline after 10 s."""
    if time.epoch_at is None:
        return "offline"
    if not time.live:
        return "stalled" if time.ended else "online"
    silent_ms = monotonic_ms - time.seen_monotonic_ms
    if silent_ms < STALLED_AFTER_MS:
        return "online"
    return "stalled" if silent_ms < OFFLINE_AFTER_MS else "offline"


def is_late(time: CameraTime, at: int) -> bool:
    """Tell whether something at ``at`` comes at or below a time already written."""
    return time.written_at is not None and at <= time.written_at


def beat(time: CameraTime, monotonic_ms: int, host_at: int) -> tuple[CameraTime, Pulse | None]:
    """Return the beat that is due now; None for a file before its first epoch.

    Its host's time must not stand in for the file's own, which may be years away.
    """
    state = state_of(time, monotonic_ms)
    if time.epoch_at is None:
        if not time.live:
            return time, None
        at = host_at
    elif state == "online":
        at = time.sampled_at
    else:
        at = time.sampled_at + monotonic_ms - time.sampled_monotonic_ms
    if time.written_at is not None:
        at = max(at, time.written_at)
    still = time.held and state == "online"
    return replace(time, written_at=at), Pulse(at, state, time.epoch_at, still)


def farewell(time: CameraTime, monotonic_ms: int) -> tuple[CameraTime, Pulse]:
    """Return the last beat of a camera that is taken away after its first epoch."""
    at = time.sampled_at + monotonic_ms - time.sampled_monotonic_ms
    if time.written_at is not None:
        at = max(at, time.written_at)
    return replace(time, written_at=at), Pulse(at, "offline", time.epoch_at, still=False)
