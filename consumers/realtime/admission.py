"""How many clients one process takes on, and how much it does for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from consumers.access.principal import Principal
from consumers.realtime import metrics
from schemas.errors import Backpressure

FULL_RETRY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one process takes on."""

    clients: int = 2000
    clients_of_one: int = 50
    """Of one user or key."""
    entries: int = 32_768
    """Kept in memory, of all organisations together."""
    entries_of_one: int = 4096
    """Of one organisation: how far a client may fall behind, or go back without Kafka."""
    catching_up: int = 4
    """Clients for whom Kafka is read back at once."""
    recheck_s: float = 3.0
    """Between two looks at whether the clients still may."""
    doubt_s: float = 60.0
    """Without an answer of Postgres for so long nobody is told anything any more."""
    stuck_s: float = 30.0
    """A client that takes nothing for so long is let go."""


class Guests:
    """Counts the clients of each user or key."""

    def __init__(self) -> None:
        self._of_one: Counter[UUID] = Counter()

    @contextmanager
    def admitted(self, principal: Principal, limits: Limits) -> Iterator[None]:
        """Count one more client during the block.

        Raises:
            Backpressure: there are too many.
        """
        whose = principal.subject_id
        full = {
            "process": self._of_one.total() >= limits.clients,
            "principal": self._of_one[whose] >= limits.clients_of_one,
        }
        for reason in (reason for reason, reached in full.items() if reached):
            metrics.REFUSED.labels(reason).inc()
            raise Backpressure(f"too many clients: {reason}", retry_after_s=FULL_RETRY_S)
        self._count(whose, 1)
        try:
            yield
        finally:
            self._count(whose, -1)

    def _count(self, whose: UUID, change: int) -> None:
        self._of_one[whose] += change
        if not self._of_one[whose]:
            del self._of_one[whose]
        metrics.CLIENTS.set(self._of_one.total())
