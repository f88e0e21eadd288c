"""The track index: from the cloud's Kafka into the table ``tracks`` of Postgres.

The rows first, then the commit: whatever dies in between, the tracks come again and change nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from consumers.sinks.track_rows import TrackIndex, row_of
from infra.runtime.kafka import Message, RecordConsumer, RecordProducer, send_to_dead_letters
from infra.runtime.metrics import DEAD_LETTERS, LAG, RECORDS_IN
from infra.runtime.service import Service
from schemas.codec import decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import Track

TOPIC = "up.tracks"
GROUP = "sightline.track-index"
READ_AT_ONCE = 2000
RETRY_FIRST_S, RETRY_LAST_S = 0.5, 30.0
LAG_EVERY_S = 5.0


def run_track_index(service: Service) -> None:
    """Store the finished tracks of all sites until the service stops.

    While Postgres is away nothing is lost or skipped: the sink keeps its place in the group and
    tries again. What can never be stored goes to ``dlq.up.tracks``.

    Raises:
        Fatal: a setting is missing, the table is not there, or the Kafka client gave up.
    """
    settings = service.settings
    sink = _Sink(service, settings.need("cloud_kafka"), TrackIndex(settings.need("postgres_dsn")))
    try:
        while not service.stopping.is_set():
            sink.turn()
    finally:
        sink.close()


class _Sink:
    def __init__(self, service: Service, bootstrap: str, index: TrackIndex) -> None:
        self._log = service.log
        self._index = index
        self._producer = RecordProducer(bootstrap, GROUP)
        self._consumer = RecordConsumer(
            bootstrap, GROUP, [TOPIC], instance=f"{GROUP}-{service.settings.worker}"
        )
        self._unstored: list[Message] = []
        self._problem: str | None = None
        self._tries = 0
        self._again_at_s = 0.0
        self._lag_at_s = 0.0
        service.checks["track-index"] = lambda: self._problem

    def turn(self) -> None:
        """Read a batch, unless one waits still; store it, commit it."""
        # In trouble the fetch is paused, and reading only keeps the place in the group.
        messages = self._consumer.read(limit=READ_AT_ONCE, timeout_s=0.5)
        RECORDS_IN.labels(TOPIC).inc(len(messages))
        self._unstored += messages
        if messages and self._problem is not None:
            # Of a partition that was assigned meanwhile.
            self._consumer.pause()
        if time.monotonic() - self._lag_at_s >= LAG_EVERY_S:
            self._lag_at_s = time.monotonic()
            LAG.labels(TOPIC).set(self._consumer.lag() + len(self._unstored))
        if not self._unstored or time.monotonic() < self._again_at_s:
            return
        try:
            self._store(self._unstored)
            # Those of a partition that another member reads now are its to commit; stored twice
            # they are the same.
            assigned = self._consumer.assigned()
            self._consumer.commit(
                message
                for message in self._unstored
                if (message.topic, message.partition) in assigned
            )
        except Retryable as error:
            self._back_off(error)
            return
        self._unstored = []
        if self._problem is not None:
            self._log.info("stores again")
            self._problem, self._tries = None, 0
            self._consumer.resume()

    def close(self) -> None:
        """Leave the group and let the connection go."""
        self._consumer.close()
        self._index.close()

    def _store(self, messages: Sequence[Message]) -> None:
        tracks: list[tuple[Message, Track]] = []
        refused: list[tuple[Message, Rejected]] = []
        for message in messages:
            try:
                track = decode_as(Track, message.value)
                row_of(track)
                tracks.append((message, track))
            except Rejected as error:
                refused.append((message, error))
        refused += self._stored(tracks)
        for message, why in refused:
            send_to_dead_letters(self._producer, message, why)
            self._log.warning("a track was refused", reason=why.reason, error=str(why))
        if refused:
            self._producer.flush()
        for message, why in refused:
            DEAD_LETTERS.labels(message.topic, why.reason).inc()

    def _stored(self, tracks: Sequence[tuple[Message, Track]]) -> list[tuple[Message, Rejected]]:
        """Store tracks and return those that Postgres refuses, found by halves."""
        try:
            if tracks:
                self._index.store([track for _, track in tracks])
            return []
        except Rejected as error:
            if len(tracks) == 1:
                return [(tracks[0][0], error)]
        half = len(tracks) // 2
        return self._stored(tracks[:half]) + self._stored(tracks[half:])

    def _back_off(self, error: Retryable) -> None:
        if self._problem is None:
            self._consumer.pause()
            self._log.warning("the track index waits", error=str(error))
        self._problem = str(error)
        wait_s = min(RETRY_LAST_S, RETRY_FIRST_S * 2.0 ** min(self._tries, 10))
        self._tries += 1
        self._again_at_s = time.monotonic() + wait_s
