"""The evidence builder as a process: events and verdicts in, pictures and clips out, commits in order."""

from __future__ import annotations

import time
from collections import deque

from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import Message, RecordConsumer, RecordProducer, send_to_dead_letters
from infra.runtime.metrics import DEAD_LETTERS, LAG, RECORDS_IN, RECORDS_OUT
from infra.runtime.progress import OrderedCommits
from infra.runtime.service import Service
from infra.runtime.watchdog import watched
from schemas.codec import decode_as
from schemas.errors import Backpressure, Rejected, Retryable
from schemas.records import Event, Evidence, Verdict
from schemas.site import Rule
from streams.evidence.agenda import Agenda, Task
from streams.evidence.frames import FrameFollower, FrameReader
from streams.evidence.making import make_evidence
from streams.evidence.requests import Request, plan_requests, plan_suppressed

EVENTS_TOPIC = "up.events"
VERDICTS_TOPIC = "up.verdicts"
EVIDENCE_TOPIC = "up.evidence"
TOPICS = (EVENTS_TOPIC, VERDICTS_TOPIC)
GROUP = "sightline.evidence"
MAX_PENDING = 2000
"""Events read ahead of the oldest one whose clip is not due yet."""
CONFIG_WAIT_S = 1.0
LAG_EVERY_S = 5.0


def run_evidence(service: Service) -> None:
    """Make the evidence of the site's events until the service stops.

    An event's offset is committed once its evidence is acknowledged, so a process killed at any
    moment makes what was pending when it starts again, under the same ids.

    Raises:
        Retryable: Kafka does not answer at the start.
        Fatal: a topic is missing, or the Kafka client gave up.
    """
    bootstrap = service.settings.need("edge_kafka")
    builder = _Builder(service, bootstrap)
    try:
        with watched(bootstrap, {GROUP: TOPICS}, builder.excuse):
            while not service.stopping.is_set():
                builder.turn()
    finally:
        builder.close()


class _Builder:
    def __init__(self, service: Service, bootstrap: str) -> None:
        self._log = service.log
        self._follower = FrameFollower(bootstrap)
        self._reader = FrameReader(bootstrap)
        self._configs = ConfigStore(bootstrap)
        self._producer = RecordProducer(bootstrap, GROUP)
        self._consumer = RecordConsumer(
            bootstrap,
            GROUP,
            TOPICS,
            instance=f"{GROUP}-{service.settings.worker}",
        )
        self._commits = OrderedCommits()
        self._agenda: Agenda[Message] = Agenda()
        self._unplanned: deque[Message] = deque()
        self._paused = False
        self._under_way = 0
        self._made = False
        self._problem: str | None = None
        self._lag_at_s = 0.0
        service.checks["evidence"] = lambda: self._problem

    def excuse(self) -> str | None:
        """Say why nothing is committed for now: what was read may have to wait for its clip."""
        return f"{self._under_way} are under way" if self._under_way else None

    def turn(self) -> None:
        """Do a little of everything: index frames, read events, make one thing, commit."""
        busy = self._follower.advance() > 0 or self._made
        self._read(0.0 if busy else 0.1)
        self._plan()
        self._made = self._make()
        self._commit()
        self._under_way = len(self._commits)

    def close(self) -> None:
        """Leave everything; what is pending comes again."""
        self._consumer.close()
        self._configs.close()
        self._reader.close()
        self._follower.close()

    def _read(self, wait_s: float) -> None:
        full = len(self._commits) >= MAX_PENDING
        if full:
            self._consumer.pause()
        elif self._paused:
            self._consumer.resume()
        self._paused = full
        for message in self._consumer.read(limit=100, timeout_s=wait_s):
            if self._commits.begin(message):
                RECORDS_IN.labels(message.topic).inc()
                self._unplanned.append(message)
        self._commits.keep(self._consumer.assigned())
        self._agenda.keep(self._commits.__contains__)

    def _plan(self) -> None:
        while self._unplanned:
            message = self._unplanned[0]
            try:
                requests = self._requests(message) if message in self._commits else ()
            except Rejected as error:
                if not self._refuse(message, error):
                    return
                requests = ()
            except Retryable as error:
                self._trouble(error)
                return
            self._unplanned.popleft()
            self._problem = None
            for request in requests:
                self._agenda.add(request, message, time.monotonic())
            if not requests:
                self._commits.finish(message)

    def _requests(self, message: Message) -> tuple[Request, ...]:
        if message.topic == VERDICTS_TOPIC:
            verdict = decode_as(Verdict, message.value)
            if verdict.verdict != "suppressed":
                return ()
            return plan_suppressed(verdict, self._rule(verdict.config_version, verdict.rule))
        event = decode_as(Event, message.value)
        if event.state != "opened":
            return ()
        return plan_requests(event, self._rule(event.config_version, event.rule))

    def _rule(self, version: int, name: str) -> Rule:
        rule = self._configs.get(version, CONFIG_WAIT_S).rules.get(name)
        if rule is None:
            raise Rejected(f"configuration {version} has no rule {name}", reason="unknown-rule")
        return rule

    def _refuse(self, message: Message, error: Rejected) -> bool:
        try:
            send_to_dead_letters(self._producer, message, error)
            self._producer.flush()
        except Retryable as trouble:
            self._trouble(trouble)
            return False
        DEAD_LETTERS.labels(message.topic, error.reason).inc()
        self._log.warning(
            "an event or a verdict was refused", reason=error.reason, error=str(error)
        )
        return True

    def _make(self) -> bool:
        # Until the index is rebuilt, frames that it does not know may be there all the same.
        if not self._follower.caught_up:
            return False
        now_s = time.monotonic()
        task = self._agenda.next(self._follower.index.clock, now_s)
        if task is None:
            return False
        try:
            records = make_evidence(task.request, self._follower.index, self._reader)
            self._send(records)
        except Retryable as error:
            self._agenda.postpone(task, now_s)
            self._trouble(error)
            return False
        self._finish(task, records[0])
        return True

    def _send(self, records: tuple[Evidence, ...]) -> None:
        for record in records:
            try:
                self._producer.send(
                    EVIDENCE_TOPIC, record, key=record.event_id or record.candidate_id
                )
            except Backpressure:
                self._producer.flush()
                self._producer.send(
                    EVIDENCE_TOPIC, record, key=record.event_id or record.candidate_id
                )
        self._producer.flush()
        RECORDS_OUT.labels(EVIDENCE_TOPIC).inc(len(records))

    def _finish(self, task: Task[Message], record: Evidence) -> None:
        self._problem = None
        self._log.info(
            "evidence",
            evidence_id=record.evidence_id,
            event_id=record.event_id,
            candidate_id=record.candidate_id,
            kind=record.kind,
            status=record.status,
            reason=record.reason,
            size=record.size,
        )
        if self._agenda.done(task):
            self._commits.finish(task.source)

    def _commit(self) -> None:
        try:
            self._consumer.commit(self._commits.take())
        except Retryable as error:
            # The next commit covers these too; at worst they come again.
            self._trouble(error)
        if time.monotonic() - self._lag_at_s >= LAG_EVERY_S:
            self._lag_at_s = time.monotonic()
            LAG.labels(EVENTS_TOPIC).set(self._consumer.lag() + len(self._commits))

    def _trouble(self, error: Retryable) -> None:
        if self._problem != str(error):
            self._log.warning("evidence waits", error=str(error))
        self._problem = str(error)
