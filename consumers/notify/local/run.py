"""The process that notifies at a site: events of its own Kafka to its own targets."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from typing import Any
from uuid import UUID

from consumers.notify.guard import Guard
from consumers.notify.line import (
    MAX_ATTEMPTS,
    Asked,
    Failed,
    Go,
    Input,
    Line,
    LineConfig,
    Succeeded,
    retry_at,
    step,
)
from consumers.notify.links import Links
from consumers.notify.local.box import NOBODY, Box, Due
from consumers.notify.local.planning import Planner
from consumers.notify.local.targets import read_targets, target_id
from consumers.notify.message import Message, text_of, title_of
from consumers.notify.metrics import FAILED, SENT
from consumers.notify.planning import now_at
from consumers.notify.reading import TOPIC, sound
from consumers.notify.targets.mail import server
from consumers.notify.targets.target import Kind, Opening, Surroundings, Target
from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import Message as Record
from infra.runtime.kafka import RecordConsumer, RecordProducer, send_to_dead_letters
from infra.runtime.metrics import DEAD_LETTERS, RECORDS_IN
from infra.runtime.service import Service
from schemas.codec import decode_as
from schemas.errors import Backpressure, Rejected, Retryable
from schemas.records import Event

GROUP = "sightline.local-notify"
FILE = "notify/deliveries.sqlite"
BATCH = 100
LOOK_S = 0.5
SEND_S = 40.0
ATTEND_AGAIN_S = 5.0
FORGET_S = 3600.0


def run_local_notify(service: Service) -> None:
    """Notify until the service stops; the cloud is not needed.

    Raises:
        Fatal: a setting is missing, the file of targets is wrong, or the Kafka client gave up.
    """
    asyncio.run(_run(service))


async def _run(service: Service) -> None:
    settings = service.settings
    site, bootstrap = settings.need("site"), settings.need("edge_kafka")
    targets = read_targets(Path(settings.need("local_targets")), os.environ)
    if settings.smtp_url:
        server(settings.smtp_url)
    around = Surroundings(
        # The file is the operator's own: it may name what it likes.
        guard=Guard(private=True),
        smtp_url=settings.smtp_url,
        mail_from=settings.mail_from,
        public_url=settings.public_url,
    )
    links = Links((settings.public_url or f"http://{settings.listen}").rstrip("/"))
    box = Box(settings.data / FILE)
    configs = ConfigStore(bootstrap)
    planner = Planner(site, configs, box, {name: kind for name, (kind, _) in targets.items()})
    lanes: dict[UUID, _Lane] = {}
    for name, (kind, given) in targets.items():
        own = target_id(site, name)
        target = kind.open(Opening(own, name, given, around))
        lanes[own] = _Lane(own, kind, target, box, links, service.log)
    try:
        tasks = [asyncio.create_task(one) for lane in lanes.values() for one in lane.tasks()]
        reading = asyncio.create_task(_read(service, bootstrap, planner, box, lanes))
        await asyncio.wait([reading, *tasks], return_when=asyncio.FIRST_COMPLETED)
        service.stopping.set()
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(reading, *tasks, return_exceptions=True)
        for lane in lanes.values():
            await lane.target.close()
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(
                outcome, asyncio.CancelledError
            ):
                raise outcome
    finally:
        configs.close()
        box.close()


async def _read(
    service: Service, bootstrap: str, planner: Planner, box: Box, lanes: dict[UUID, _Lane]
) -> None:
    producer = RecordProducer(bootstrap, GROUP)
    consumer = RecordConsumer(
        bootstrap, GROUP, [TOPIC], instance=f"{GROUP}-{service.settings.worker}"
    )
    problem: list[str] = []
    service.checks["local-notify"] = lambda: problem[0] if problem else None
    forgotten_at = 0

    def take(record: Record) -> frozenset[UUID]:
        try:
            return planner.plan(sound(decode_as(Event, record.value)), now_at())
        except Rejected as error:
            if error.reason == "config-expired":
                service.log.warning("an event is too old to be told of", error=str(error))
                return frozenset()
            service.log.warning("an event was refused", reason=error.reason, error=str(error))
            send_to_dead_letters(producer, record, error)
            producer.flush()
            DEAD_LETTERS.labels(TOPIC, error.reason).inc()
            return frozenset()

    try:
        while not service.stopping.is_set():
            if now_at() - forgotten_at > FORGET_S * 1000:
                forgotten_at = now_at()
                await asyncio.to_thread(box.forget, forgotten_at)
            records = await asyncio.to_thread(consumer.read, BATCH, 0.2)
            done: list[Record] = []
            try:
                for record in records:
                    for target in await asyncio.to_thread(take, record):
                        lanes[target].look.set()
                    done.append(record)
                await asyncio.to_thread(consumer.commit, done)
                missing = planner.unknown() if records else []
                if missing:
                    service.log.warning("rules name targets that are not here", names=missing)
                problem.clear()
            except Retryable as error:
                problem[:] = [str(error)]
                service.log.warning("events wait to be planned", error=str(error))
                # What was not planned is read again.
                for place in _first_of_each(records[len(done) :]):
                    await asyncio.to_thread(consumer.seek, place)
                await asyncio.sleep(LOOK_S)
            RECORDS_IN.labels(TOPIC).inc(len(done))
    finally:
        await asyncio.to_thread(consumer.close)


class _Lane:
    """One target's messages, one after the other."""

    def __init__(
        self, own: UUID, kind: Kind, target: Target, box: Box, links: Links, log: Any
    ) -> None:
        self.target = target
        self.look = asyncio.Event()
        self._own = own
        self._kind = kind
        self._box = box
        self._links = links
        self._log = log
        self._line = Line()

    def tasks(self) -> list[Any]:
        """Return what has to run: sending, and attending where the kind wants it."""
        return [self._send_all(), *([self._attend()] if self._kind.resident else [])]

    async def _send_all(self) -> None:
        while True:
            self.look.clear()
            while await asyncio.to_thread(self._box.due, self._own, now_at()):
                if not isinstance(self._step(Asked(now_at())), Go):
                    break
                due = await asyncio.to_thread(self._box.claim, self._own, now_at())
                if due is not None:
                    await self._send(due)
            try:
                await asyncio.wait_for(self.look.wait(), LOOK_S)
            except TimeoutError:
                continue

    async def _send(self, due: Due) -> None:
        name = self._kind.name
        try:
            async with asyncio.timeout(SEND_S):
                await self.target.send(_message(due, self._links))
        except Rejected as error:
            FAILED.labels(name, "refused").inc()
            self._step(Succeeded(now_at()))
            await asyncio.to_thread(self._box.end, due, "dead", str(error))
            self._log.error("a notification was refused", kind=name, error=str(error))
        except (Retryable, TimeoutError) as error:
            after_s = error.retry_after_s if isinstance(error, Backpressure) else 0.0
            await self._again(due, str(error) or "it took too long", after_s)
        except Exception as error:  # noqa: BLE001 (whatever a client library raises)
            self._log.exception("a target failed in a way that was not foreseen", kind=name)
            await self._again(due, f"a fault of Sightline: {type(error).__name__}", 0.0)
        else:
            self._step(Succeeded(now_at()))
            await asyncio.to_thread(self._box.end, due, "sent")
            SENT.labels(name).inc()

    async def _again(self, due: Due, reason: str, after_s: float) -> None:
        FAILED.labels(self._kind.name, "again").inc()
        self._step(Failed(now_at()))
        at = retry_at(now_at(), due.attempt, random.random(), after_s)
        if due.attempt >= MAX_ATTEMPTS or at >= due.give_up_at:
            await asyncio.to_thread(self._box.end, due, "dead", reason)
            self._log.error("a notification was given up", kind=self._kind.name, error=reason)
        else:
            await asyncio.to_thread(self._box.again, due, at, reason)

    async def _attend(self) -> None:
        while True:
            try:
                await self.target.attend()
            except (Retryable, Rejected) as error:
                self._log.warning("a target cannot be attended to", error=str(error))
            await asyncio.sleep(ATTEND_AGAIN_S)

    def _step(self, given: Input) -> object:
        self._line, answer = step(self._line, given, LineConfig())
        return answer


def _message(due: Due, links: Links) -> Message:
    about = due.occurrence
    return Message(
        delivery_id=due.delivery_id,
        organisation_id=NOBODY,
        number=due.number,
        attempt=due.attempt,
        kind="event",
        state=due.state,
        title=title_of(about, due.state),
        text=text_of(about, due.state),
        url=links.event(about.event_id),
        snapshot_url=None,
        sent_at=now_at(),
        occurrence=about,
    )


def _first_of_each(records: list[Record]) -> list[Record]:
    first: dict[int, Record] = {}
    for record in records:
        first.setdefault(record.partition, record)
    return list(first.values())
