"""How long there was something to do, and how long enough of it that nobody stood idle. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Work:
    """Seconds of work, added up."""

    busy_s: float = 0.0
    """At least one request was under way."""
    full_s: float = 0.0
    """So many were that more would not have made it any faster."""

    def __add__(self, more: Work) -> Work:
        return Work(self.busy_s + more.busy_s, self.full_s + more.full_s)

    def __sub__(self, earlier: Work) -> Work:
        return Work(self.busy_s - earlier.busy_s, self.full_s - earlier.full_s)


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How many requests are under way, and for how long there were any."""

    enough: int
    """So many keep all who answer busy."""
    under_way: int = 0
    since_s: float = 0.0
    work: Work = field(default_factory=Work)


def step(occupancy: Occupancy, more: int, now_s: float) -> Occupancy:
    """Return the occupancy once ``more`` requests are under way, fewer if negative.

    >>> one = step(Occupancy(enough=2), 2, 1.0)
    >>> step(step(one, -1, 4.0), -1, 5.0).work
    Work(busy_s=4.0, full_s=3.0)
    """
    work, passed_s = occupancy.work, now_s - occupancy.since_s
    if occupancy.under_way > 0:
        work = replace(work, busy_s=work.busy_s + passed_s)
    if occupancy.under_way >= occupancy.enough:
        work = replace(work, full_s=work.full_s + passed_s)
    return Occupancy(occupancy.enough, occupancy.under_way + more, now_s, work)
