"""Ends a process whose consumer groups have stopped making progress, so that its supervisor starts it
anew.

A process that lives but does not work is worse than one that died, and a client of Kafka can come to
that in rebalances and recoveries (docs/adr/0003). Progress is judged from outside of it: the groups'
committed offsets against the ends of their topics.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from infra.runtime.kafka import reading_client

EXIT_CODE = 70
"""EX_SOFTWARE: the supervisor starts the process again."""

Excuse = Callable[[], str | None]
"""Says why nothing is committed though messages wait, or None: then something must be."""
OnLag = Callable[[str, int], None]
"""Told how many messages of a group wait."""


@dataclass(frozen=True, slots=True)
class WatchdogConfig:
    """How often is looked, and how long a group may stand still."""

    look_every_s: float = 5.0
    stuck_after_s: float = 90.0


class Watchdog(threading.Thread):
    """Watches a process's groups and ends the process when one of them is stuck.

    Args:
        bootstrap: where the groups are.
        groups: the topics of each group.
        excuse: why no progress is to be expected, such as a server that does not answer.
        on_lag: told at each look how much waits.
        config: limits.
        end: ends the process with an exit code.
        now_s: a clock that never goes back, seconds.
    """

    def __init__(
        self,
        bootstrap: str,
        groups: Mapping[str, Sequence[str]],
        *,
        excuse: Excuse = lambda: None,
        on_lag: OnLag = lambda group, lag: None,
        config: WatchdogConfig | None = None,
        end: Callable[[int], None] = os._exit,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._kafka = bootstrap
        self._groups = groups
        self._excuse = excuse
        self._on_lag = on_lag
        self._config = config or WatchdogConfig()
        self._end = end
        self._now_s = now_s
        self._progress = {group: (-1, now_s()) for group in groups}
        self._stop_requested = threading.Event()
        self._log = structlog.get_logger("watchdog")

    def stop(self) -> None:
        """End the watch."""
        self._stop_requested.set()

    def run(self) -> None:
        """Look until stopped."""
        observers = {group: self._observer(group) for group in self._groups}
        while not self._stop_requested.wait(self._config.look_every_s):
            for group, observer in observers.items():
                self._look(group, observer)
        for observer in observers.values():
            observer.close()

    def _look(self, group: str, observer: Consumer) -> None:
        now_s = self._now_s()
        try:
            committed, lag = _standing(observer, self._groups[group])
        except KafkaException as error:
            # A broker that is away is no fault of ours: the clock starts when it is back.
            self._log.warning("the group cannot be watched", group=group, error=str(error))
            self._progress[group] = (-1, now_s)
            return
        self._on_lag(group, lag)
        before, since_s = self._progress[group]
        if committed != before or lag == 0 or self._excuse() is not None:
            self._progress[group] = (committed, now_s)
        elif now_s - since_s > self._config.stuck_after_s:
            self._log.error(
                "no progress: ending the process, to be started again",
                group=group,
                waiting=lag,
                stuck_s=round(now_s - since_s),
            )
            self._end(EXIT_CODE)

    def _observer(self, group: str) -> Consumer:
        # Never subscribes, so it is no member of the group: it only asks for its offsets.
        return reading_client(self._kafka, group)


@contextmanager
def watched(
    bootstrap: str, groups: Mapping[str, Sequence[str]], excuse: Excuse = lambda: None
) -> Iterator[None]:
    """Watch the groups of this process while it runs."""
    watchdog = Watchdog(bootstrap, groups, excuse=excuse)
    watchdog.start()
    try:
        yield
    finally:
        watchdog.stop()


def _standing(observer: Consumer, topics: Sequence[str]) -> tuple[int, int]:
    """Return (sum of committed offsets, messages that wait)."""
    described = observer.list_topics(timeout=5).topics
    places = [
        TopicPartition(t, p) for t in topics if t in described for p in described[t].partitions
    ]
    committed = waiting = 0
    for place in observer.committed(places, timeout=5):
        low, high = observer.get_watermark_offsets(place, timeout=5)
        # What retention removes moves the beginning, and is no progress.
        committed += max(0, place.offset)
        waiting += max(0, high - max(place.offset, low))
    return committed, waiting
