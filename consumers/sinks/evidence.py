"""The evidence sink: from the cloud's Kafka into object storage and the index in Postgres.

The object first, then its row, then the commit: whatever dies in between, the message comes again
and the same object and row are written again.
"""

from __future__ import annotations

import time
from collections import deque

from consumers.sinks.index_rows import EvidenceIndex
from consumers.sinks.joining import ChunkJoiner, Joined, verify
from consumers.sinks.objects import ObjectStore, object_key
from infra.runtime.kafka import Message, RecordConsumer, RecordProducer, send_to_dead_letters
from infra.runtime.metrics import DEAD_LETTERS, LAG, RECORDS_IN
from infra.runtime.progress import OrderedCommits
from infra.runtime.service import Service
from infra.runtime.watchdog import watched
from schemas.codec import decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import Evidence

TOPIC = "up.evidence"
GROUP = "sightline.evidence-sink"
READ_AT_ONCE = 8
"""Messages of up to 10 MiB that are held beside those of incomplete objects."""
RETRY_FIRST_S, RETRY_LAST_S = 0.5, 30.0
LAG_EVERY_S = 5.0


def run_evidence_sink(service: Service) -> None:
    """Store the evidence of all sites until the service stops.

    While object storage or Postgres is away nothing is lost or skipped: the sink keeps its place
    in the group and tries again. What can never be stored goes to ``dlq.up.evidence``.

    Raises:
        Fatal: a setting is missing, the table is not there, or the Kafka client gave up.
    """
    settings = service.settings
    bootstrap = settings.need("cloud_kafka")
    sink = _Sink(
        service,
        bootstrap,
        ObjectStore.from_settings(settings),
        EvidenceIndex(settings.need("postgres_dsn")),
    )
    try:
        with watched(bootstrap, {GROUP: [TOPIC]}, sink.excuse):
            while not service.stopping.is_set():
                sink.turn()
    finally:
        sink.close()


class _Sink:
    def __init__(
        self, service: Service, bootstrap: str, objects: ObjectStore, index: EvidenceIndex
    ) -> None:
        self._log = service.log
        self._objects = objects
        self._index = index
        self._producer = RecordProducer(bootstrap, GROUP)
        self._consumer = RecordConsumer(
            bootstrap, GROUP, [TOPIC], instance=f"{GROUP}-{service.settings.worker}"
        )
        self._commits = OrderedCommits()
        self._joiner: ChunkJoiner[Message] = ChunkJoiner()
        self._unread: deque[Message] = deque()
        self._whole: deque[Joined[Message]] = deque()
        self._refused: deque[tuple[tuple[Message, ...], Rejected]] = deque()
        self._problem: str | None = None
        self._tries = 0
        self._under_way = 0
        self._again_at_s = 0.0
        self._lag_at_s = 0.0
        service.checks["evidence-sink"] = lambda: self._problem

    def excuse(self) -> str | None:
        """Say why nothing is committed for now: storage is away, or an object lacks chunks."""
        return f"{self._under_way} are under way" if self._under_way else None

    def turn(self) -> None:
        """Read a few messages, store what is whole, commit what is done."""
        self._read()
        self._under_way = len(self._commits)
        if time.monotonic() < self._again_at_s:
            return
        try:
            self._work()
            self._consumer.commit(self._commits.take())
        except Retryable as error:
            self._back_off(error)
            return
        if self._problem is not None:
            self._log.info("stores again")
            self._problem, self._tries = None, 0
            self._consumer.resume()

    def close(self) -> None:
        """Leave the group and let the connections go."""
        self._consumer.close()
        self._index.close()

    def _read(self) -> None:
        # In trouble the fetch is paused, and reading only keeps the place in the group.
        wait_s = 0.5 if self._problem else 0.2
        for message in self._consumer.read(limit=READ_AT_ONCE, timeout_s=wait_s):
            if self._commits.begin(message):
                RECORDS_IN.labels(TOPIC).inc()
                self._unread.append(message)
        self._commits.keep(self._consumer.assigned())
        self._joiner.keep(self._commits.__contains__)
        if time.monotonic() - self._lag_at_s >= LAG_EVERY_S:
            self._lag_at_s = time.monotonic()
            LAG.labels(TOPIC).set(self._consumer.lag() + len(self._commits))

    def _work(self) -> None:
        # Each step may raise Retryable and is then repeated: it leaves its queue when it is done.
        while self._refused or self._whole or self._unread:
            if self._refused:
                self._refuse(*self._refused[0])
                self._refused.popleft()
            elif self._whole:
                self._store(self._whole[0])
                self._whole.popleft()
            else:
                self._take(self._unread.popleft())

    def _take(self, message: Message) -> None:
        if message not in self._commits:
            return
        try:
            evidence = decode_as(Evidence, message.value)
            if evidence.status == "ok":
                whole = self._joiner.add(evidence, message, message.arrived_at)
            else:
                whole = Joined(evidence, (message,))
        except Rejected as error:
            self._refused.append(((message,), error))
            return
        if whole is not None:
            self._whole.append(whole)
        late = self._joiner.give_up(message.arrived_at)
        if late:
            incomplete = Rejected("the other chunks never came", reason="incomplete")
            self._refused.append((tuple(late), incomplete))

    def _store(self, whole: Joined[Message]) -> None:
        evidence = whole.evidence
        try:
            if evidence.status == "ok":
                verify(evidence)
                key = object_key(evidence)
                self._objects.put(key, evidence)
                self._index.store(evidence, self._objects.bucket, key)
            else:
                self._index.store(evidence, None, None)
        except Rejected as error:
            self._refused.append((whole.sources, error))
            return
        for message in whole.sources:
            self._commits.finish(message)
        self._log.info(
            "stored", evidence_id=evidence.evidence_id, kind=evidence.kind, status=evidence.status
        )

    def _refuse(self, messages: tuple[Message, ...], error: Rejected) -> None:
        for message in messages:
            send_to_dead_letters(self._producer, message, error)
        self._producer.flush()
        for message in messages:
            self._commits.finish(message)
            DEAD_LETTERS.labels(message.topic, error.reason).inc()
        self._log.warning("evidence was refused", reason=error.reason, error=str(error))

    def _back_off(self, error: Retryable) -> None:
        if self._problem is None:
            self._consumer.pause()
            self._log.warning("the sink waits", error=str(error))
        self._problem = str(error)
        wait_s = min(RETRY_LAST_S, RETRY_FIRST_S * 2.0 ** min(self._tries, 10))
        self._tries += 1
        self._again_at_s = time.monotonic() + wait_s
