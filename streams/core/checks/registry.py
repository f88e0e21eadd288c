"""All checks, in the order in which reasons are listed; a new one is a file and a line here."""

from __future__ import annotations

from streams.core.checks.check import Check
from streams.core.checks.moved import MovedCheck
from streams.core.checks.score import ScoreCheck

CHECKS: tuple[Check, ...] = (
    ScoreCheck(),
    MovedCheck(),
)
