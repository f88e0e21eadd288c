"""Growing delays for whoever fails again and again: the arithmetic, without clock or store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How often something may be tried.

    A bucket of ``free`` tries leaks one every ``leak_s``. Beyond it each try is followed by a delay,
    ``first_s`` at first and twice as long each time, never above ``longest_s``; 0 delays nothing and
    only counts.
    """

    free: int
    leak_s: float
    first_s: float = 0.0
    longest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of somebody's tries."""

    charges: float
    charged_at: datetime
    free_at: datetime
    """Until then every try is refused without being looked at."""


def left(standing: Standing | None, now: datetime, allowance: Allowance) -> float:
    """Return how many tries are in the bucket, after what leaked."""
    if standing is None:
        return 0.0
    leaked = max(0.0, (now - standing.charged_at).total_seconds()) / allowance.leak_s
    return max(0.0, standing.charges - leaked)


def charge(
    standing: Standing | None, now: datetime, allowance: Allowance
) -> tuple[Standing, float]:
    """Count a try before it is looked at, so that many at once count as many.

    Returns the new standing, and for how many seconds the try is refused; a refused one is not
    counted, or whoever waits would never be let in.
    """
    if standing is not None and now < standing.free_at:
        return standing, (standing.free_at - now).total_seconds()
    charges = left(standing, now, allowance) + 1
    over = charges - allowance.free
    delay_s = 0.0
    if over > 0:
        # The exponent is bounded: the delay has long reached its longest by then.
        delay_s = min(allowance.longest_s, allowance.first_s * 2.0 ** min(over - 1, 64))
    return Standing(charges, now, now + timedelta(seconds=delay_s)), 0.0


def refund(standing: Standing, now: datetime, allowance: Allowance) -> Standing:
    """Take back the newest try, which was right, and its delay."""
    return Standing(max(0.0, left(standing, now, allowance) - 1), now, now)
