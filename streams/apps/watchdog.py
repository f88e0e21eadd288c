"""Ends a worker that has stopped making progress, so that its supervisor starts it anew.

Faust can hang in rebalances and recoveries (docs/adr/0003); a process that lives but does not
work is worse than one that died. Progress is judged from outside Faust: the group's committed
offsets against the ends of its topics.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from infra.runtime.kafka import CLIENT_LOG
from infra.runtime.metrics import LAG

LOOK_EVERY_S = 5.0
STUCK_AFTER_S = 90.0
EXIT_CODE = 70
"""EX_SOFTWARE: the supervisor starts the process again."""


class Watchdog(threading.Thread):
    """Watches the groups of this worker's stages and exits the process when one is stuck."""

    def __init__(self, bootstrap: str, groups: Mapping[str, Sequence[str]]) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._kafka = bootstrap
        self._groups = groups
        self._progress = {group: (0, time.monotonic()) for group in groups}
        self._stop_requested = threading.Event()

    def stop(self) -> None:
        """End the watch."""
        self._stop_requested.set()

    def run(self) -> None:
        """Look until stopped."""
        observers = {group: self._observer(group) for group in self._groups}
        log = structlog.get_logger("watchdog")
        while not self._stop_requested.wait(LOOK_EVERY_S):
            for group, observer in observers.items():
                try:
                    committed, lag = _standing(observer, self._groups[group])
                except KafkaException as error:
                    # A broker that is away is no fault of ours: the clock starts when it is back.
                    log.warning("the group cannot be watched", group=group, error=str(error))
                    self._progress[group] = (-1, time.monotonic())
                    continue
                LAG.labels(self._groups[group][0]).set(lag)
                before, since = self._progress[group]
                if committed != before or lag == 0:
                    self._progress[group] = (committed, time.monotonic())
                elif time.monotonic() - since > STUCK_AFTER_S:
                    log.error("no progress: ending the process", group=group, lag=lag)
                    os._exit(EXIT_CODE)

    def _observer(self, group: str) -> Consumer:
        # Never subscribes, so it is no member of the group: it only asks for its offsets.
        return Consumer(
            {
                "bootstrap.servers": self._kafka,
                "group.id": group,
                "enable.auto.commit": False,
                "log.connection.close": False,
            },
            logger=CLIENT_LOG,
        )


def _standing(observer: Consumer, topics: Sequence[str]) -> tuple[int, int]:
    """Return (sum of committed offsets, messages that wait)."""
    described = observer.list_topics(timeout=5).topics
    places = [
        TopicPartition(t, p) for t in topics if t in described for p in described[t].partitions
    ]
    committed = waiting = 0
    for place in observer.committed(places, timeout=5):
        low, high = observer.get_watermark_offsets(place, timeout=5)
        position = max(place.offset, low)
        committed += position
        waiting += max(0, high - position)
    return committed, waiting
