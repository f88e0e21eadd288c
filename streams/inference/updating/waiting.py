"""Updates that cannot be answered yet: when each is tried again, and when the cloud is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schemas.records import ModelUpdate
from streams.inference.updating.ledger import Entry

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
WORD_AFTER_S = 30.0
"""An update that waits for longer gets a receipt that says why."""


@dataclass(frozen=True, slots=True)
class Wait:
    """An update and its tries; seconds of a clock that never goes back."""

    update: ModelUpdate
    since_s: float
    next_s: float
    pause_s: float = FIRST_PAUSE_S
    told: bool = False
    why: str = ""


def put_off(wait: Wait, why: str, now_s: float) -> Wait:
    """Return the wait after one more try that came to nothing."""
    pause_s = min(2 * wait.pause_s, LONGEST_PAUSE_S)
    return replace(wait, why=why, next_s=now_s + wait.pause_s, pause_s=pause_s)


def word_due(wait: Wait, now_s: float) -> bool:
    """Tell whether the cloud should hear of it now."""
    return not wait.told and now_s - wait.since_s >= WORD_AFTER_S


def interim(wait: Wait, now_at: int) -> Entry:
    """Return what a receipt says meanwhile; it is no answer. ``now_at`` is UTC ms."""
    update = wait.update
    return Entry(
        model=update.model,
        release=update.version,
        sha256=update.sha256,
        published_at=update.published_at,
        state="refused",
        message=wait.why,
        decided_at=now_at,
    )
