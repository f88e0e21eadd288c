"""How long to wait before a source is tried again."""

from __future__ import annotations

from schemas.errors import Rejected, SightlineError

FIRST_S = 0.5
MOST_S = 30.0
REJECTED_S = 30.0
"""After a refusal that time alone does not cure: a camera locks out who hammers at its login."""
_JITTER = 0.25


def delay_s(failures: int, error: SightlineError | None, chance: float) -> float:
    """Return the seconds to wait after so many failures in a row, 1 or more.

    Doubling from 0.5 s to 30 s, at once 30 s after a refusal, and up to a quarter more or less,
    so that the cameras behind one switch do not all come back in the same moment.

    Args:
        failures: in a row, this one included.
        error: what happened; None for a connection that was closed.
        chance: 0..1, random.

    >>> [delay_s(n, None, 0.5) for n in (1, 2, 3, 20)]
    [0.5, 1.0, 2.0, 30.0]
    """
    growing_s = min(MOST_S, FIRST_S * 2 ** min(failures - 1, 16))
    usual_s = REJECTED_S if isinstance(error, Rejected) else growing_s
    return usual_s * (1 + _JITTER * (2 * chance - 1))
