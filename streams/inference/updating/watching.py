"""Whether a version that has just taken over does its work. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from schemas.records import Look

FEWEST_FAILURES = 5
"""Fewer are never held against a version, whatever their share."""
OF_THE_MODEL = frozenset({"model-failed"})
"""Reasons that speak against a version, and not against a frame or Triton."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What a version did since it took over."""

    model: str
    version: str
    """Its number in this site's Triton."""
    until_at: int
    """UTC ms."""
    max_error_rate: float
    answered: int = 0
    failed: int = 0


def hear(watch: Watch, look: Look) -> Watch:
    """Take in what became of one look at a frame.

    A failed look does not say which version failed; while a version is watched, it is that one.
    """
    if look.model != watch.model:
        return watch
    if look.outcome == "ok" and look.model_version == watch.version:
        return replace(watch, answered=watch.answered + 1)
    if look.outcome == "failed" and look.reason in OF_THE_MODEL:
        return replace(watch, failed=watch.failed + 1)
    return watch


def judged(watch: Watch, now_at: int) -> Literal["watched", "good", "bad"]:
    """Return what is known of the version at a time (UTC ms)."""
    seen = watch.answered + watch.failed
    if watch.failed >= FEWEST_FAILURES and watch.failed > watch.max_error_rate * seen:
        return "bad"
    return "good" if now_at >= watch.until_at else "watched"
