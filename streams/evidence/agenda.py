"""When each request is made: pictures before clips, a clip once its camera's time has passed.

Time is the camera's own. Only where a camera falls silent altogether (not even the edge agent
writes beats for it) does the host's patience end the wait, and the clip gets what there is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from streams.evidence.requests import Request

PATIENCE_S = 60.0
"""How long a camera's clock may stand still before its clips are made all the same."""
RETRY_FIRST_S, RETRY_LAST_S = 0.2, 10.0

S = TypeVar("S")
Clock = Callable[[str], int | None]
"""Latest time seen of a camera, UTC ms; None if it was never seen."""


@dataclass(slots=True, eq=False)
class Task(Generic[S]):
    """One request, and its source: the message that it is made for."""

    request: Request
    source: S
    stands_since_s: float
    """Since when the camera's clock has not moved, monotonic seconds."""
    clock_at: int | None = None
    tries: int = 0
    not_before_s: float = 0.0

    def is_due(self, clock: Clock, now_s: float) -> bool:
        """Tell whether it can be made now, noting whether the camera's clock moves."""
        if now_s < self.not_before_s:
            return False
        if self.request.frame is not None:
            return True
        at = clock(self.request.camera)
        if at is not None and at >= self.request.to_at:
            return True
        if at != self.clock_at:
            self.clock_at, self.stands_since_s = at, now_s
        return now_s - self.stands_since_s >= PATIENCE_S


class Agenda(Generic[S]):
    """The tasks not yet done, oldest first."""

    def __init__(self) -> None:
        self._tasks: list[Task[S]] = []

    def add(self, request: Request, source: S, now_s: float) -> None:
        """Put a request on the agenda; ``now_s`` is monotonic seconds."""
        self._tasks.append(Task(request, source, now_s))

    def next(self, clock: Clock, now_s: float) -> Task[S] | None:
        """Return the task to do now, snapshots first, or None if all must wait."""
        due = [task for task in self._tasks if task.is_due(clock, now_s)]
        return min(due, key=lambda task: task.request.kind != "snapshot", default=None)

    def done(self, task: Task[S]) -> bool:
        """Strike a task off; True if it was the last one of its source."""
        self._tasks.remove(task)
        return not any(other.source is task.source for other in self._tasks)

    def postpone(self, task: Task[S], now_s: float) -> float:
        """Try a task again later; return after how many seconds."""
        wait_s = min(RETRY_LAST_S, RETRY_FIRST_S * 2.0 ** min(task.tries, 10))
        task.tries += 1
        task.not_before_s = now_s + wait_s
        return wait_s

    def keep(self, belongs: Callable[[S], bool]) -> None:
        """Forget the tasks whose source is another member's business now."""
        self._tasks = [task for task in self._tasks if belongs(task.source)]

    def __len__(self) -> int:
        return len(self._tasks)
