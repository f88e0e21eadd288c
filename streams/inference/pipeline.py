"""Turns under way at once: later ones are read and answered meanwhile, and all end in order.

Each turn is answered in a thread of its own. Another thread ends them, as many in a row at once as
have their answers, so one wait for the broker may cover several. Where one cannot be answered or
ended, none after it is: their owner takes them back and begins them anew.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import takewhile
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _UnderWay(Generic[T]):
    turn: T
    answer: Future[bool]


class Pipeline(Generic[T]):
    """Answers turns at the same time and ends them in the order in which they began.

    All methods but ``pause`` are for one thread, that of the owner.

    Args:
        answer: what is done for each turn by itself; False: it was told to stop, see ``pause``.
        end: what is done for turns in a row once they are answered; what it raises, and what
            ``answer`` does, comes out of ``ended``.
        most: turns under way at once.
    """

    def __init__(
        self, answer: Callable[[T], bool], end: Callable[[Sequence[T]], None], most: int
    ) -> None:
        self._answer = answer
        self._end = end
        self._most = most
        self._answering = ThreadPoolExecutor(most, thread_name_prefix="answer")
        self._ending = ThreadPoolExecutor(1, thread_name_prefix="end")
        self._lock = threading.Lock()
        self._turns: deque[_UnderWay[T]] = deque()
        self._endings: deque[Future[None]] = deque()
        self._ended: list[T] = []
        self._failed = False
        self._abandoned = threading.Event()

    @property
    def is_full(self) -> bool:
        """Whether no turn can begin now."""
        with self._lock:
            return len(self._turns) >= self._most

    def begin(self, turn: T) -> None:
        """Have a turn answered, and ended after those before it."""
        with self._lock:
            self._turns.append(_UnderWay(turn, self._answering.submit(self._answer, turn)))
        self._endings.append(self._ending.submit(self._end_next))

    def ended(self) -> list[T]:
        """Return the turns that have ended since the last call, in order.

        Raises:
            Exception: what a turn failed with; it and those after it wait for ``abandon``.
        """
        while self._endings and self._endings[0].done() and not self._endings[0].exception():
            self._endings.popleft()
        with self._lock:
            ended, self._ended = self._ended, []
        if not ended and self._endings and self._endings[0].done():
            self._endings[0].result()
        return ended

    def wait(self, timeout_s: float) -> None:
        """Wait until the next turn has ended, or failed."""
        if self._endings:
            wait([self._endings[0]], timeout_s)

    def pause(self, pause_s: float) -> bool:
        """Wait, as a turn that is being answered; False at once when it is to stop."""
        return not self._abandoned.wait(pause_s)

    def abandon(self) -> list[T]:
        """Stop what is under way, and return the turns that have not ended, in order."""
        self._abandoned.set()
        with self._lock:
            answers = [one.answer for one in self._turns]
        wait(answers)
        wait(self._endings)
        with self._lock:
            left = [one.turn for one in self._turns]
            self._turns.clear()
        self._endings.clear()
        self._failed = False
        self._abandoned.clear()
        return left

    def close(self) -> None:
        """Stop what is under way and end the threads."""
        self.abandon()
        self._answering.shutdown()
        self._ending.shutdown()

    def _end_next(self) -> None:
        """End the first turn once it is answered, and those behind it that are by then."""
        with self._lock:
            first = self._turns[0] if self._turns else None
        # An earlier call may have ended this one's turn; then there is less to do than calls.
        if first is None or self._stopped:
            return
        self._failed = True
        if first.answer.result() and not self._abandoned.is_set():
            with self._lock:
                turns = [one.turn for one in takewhile(_is_answered, self._turns)]
            self._end(turns)
            with self._lock:
                for _ in turns:
                    self._turns.popleft()
                self._ended += turns
            self._failed = False

    @property
    def _stopped(self) -> bool:
        return self._failed or self._abandoned.is_set()


def _is_answered(one: _UnderWay[T]) -> bool:
    """Tell whether a turn can be ended at once."""
    return one.answer.done() and one.answer.exception() is None and one.answer.result()
