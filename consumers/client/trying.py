"""When a request is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass

import httpx

from consumers.client.errors import retry_after_s

FIRST_PAUSE_S = 0.5
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is tried, and how long the client waits in between at most."""

    tries: int = 4
    longest_pause_s: float = 30.0

    def pause_s(self, tries: int, repeatable: bool, answer: httpx.Response | None) -> float | None:
        """Return how long to wait after this many tries, None to give up.

        ``answer`` is None where none came: only what is repeatable may be sent again, for it may
        have been done.
        """
        if tries >= self.tries or not repeatable:
            return None
        if answer is not None:
            asked_s = retry_after_s(answer) if answer.status_code in (429, 503) else None
            if asked_s is None or asked_s > self.longest_pause_s:
                return None
            return asked_s
        # Spread, so that clients that lost the same server do not come back at once.
        pause_s = min(self.longest_pause_s, FIRST_PAUSE_S * 2.0 ** (tries - 1))
        return pause_s * random.uniform(0.5, 1.5)
