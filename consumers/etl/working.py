"""Whose turn it is: minutes at once, hours every minute, days every ten, Parquet every five.

Larger buckets wait longer, for each is computed whole, and the open ones change all the time. Any
number of workers may run; each turn of a subject is one worker's (``marks.lock``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from consumers.etl.figures import BEHIND, MARKS, TURN_SECONDS
from consumers.etl.marks import AT_ONCE, Turn, waiting
from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.etl.parquet.exporting import closed_partitions, export
from consumers.etl.postgres import Connection
from consumers.etl.recomputing import take_turn
from consumers.etl.rollups.registry import SUBJECTS

EVERY_S: Mapping[Turn, float] = {"minute": 5.0, "hour": 60.0, "day": 600.0, "export": 300.0}
MEASURE_EVERY_S = 15.0


class RollupWorker:
    """Computes what is marked, when its turn has come."""

    def __init__(self, is_stopping: Callable[[], bool]) -> None:
        self._is_stopping = is_stopping
        self._due_s: dict[Turn, float] = dict.fromkeys(("minute", "hour", "day"), 0.0)
        self._measured_s = float("-inf")

    def work(self, connection: Connection, now_s: float) -> int:
        """Take the turns that are due at ``now_s`` (monotonic); return how many marks they took.

        Stops between two turns when the process is to stop.
        """
        taken = 0
        for turn in [turn for turn, due_s in self._due_s.items() if due_s <= now_s]:
            for subject in SUBJECTS:
                taken += self._turn(connection, subject, turn)
            self._due_s[turn] = now_s + EVERY_S[turn]
        if now_s - self._measured_s >= MEASURE_EVERY_S:
            self._measured_s = now_s
            measure(connection)
        return taken

    def _turn(self, connection: Connection, subject: str, turn: Turn) -> int:
        total = 0
        while not self._is_stopping():
            began_s = time.monotonic()
            taken = take_turn(connection, subject, turn)
            if taken:
                TURN_SECONDS.labels(subject, turn).observe(time.monotonic() - began_s)
            total += taken
            if taken < AT_ONCE:
                break
        return total


class Exporter:
    """Writes the closed days that are marked."""

    def __init__(self, bucket: AnalyticsBucket, is_stopping: Callable[[], bool]) -> None:
        self._bucket = bucket
        self._is_stopping = is_stopping
        self._made = False

    def work(self, connection: Connection, now: datetime | None = None) -> int:
        """Write what is due; return how many days of a subject.

        Raises:
            Retryable: object storage does not answer; the next call goes on.
        """
        if not self._made:
            self._bucket.make()
            self._made = True
        written = 0
        for partition in closed_partitions(connection, now or datetime.now(UTC)):
            if self._is_stopping():
                break
            began_s = time.monotonic()
            if export(connection, self._bucket, partition):
                TURN_SECONDS.labels(partition.subject, "export").observe(time.monotonic() - began_s)
                written += 1
        return written


def measure(connection: Connection) -> None:
    """Show how much waits, and for how long."""
    found = waiting(connection)
    for turn in EVERY_S:
        number, behind_s = found.get(turn, (0, 0.0))
        MARKS.labels(turn).set(number)
        BEHIND.labels(turn).set(behind_s)
