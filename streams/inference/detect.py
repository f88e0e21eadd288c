"""The service detect: reads ``frames``, asks the models, writes ``detections``.

A turn takes what waits, answers it, writes one record for each partition, waits until the broker
has it, and only then commits. Whatever goes wrong in a turn, it is read and answered again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import (
    Message,
    RecordConsumer,
    RecordProducer,
    read_at,
    send_to_dead_letters,
)
from infra.runtime.metrics import DEAD_LETTERS, DELAY, DROPPED, LAG, RECORDS_IN, RECORDS_OUT
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.codec import decode
from schemas.errors import Backpressure, Fatal, Rejected, Retryable
from schemas.records import Beat, Detections, Frame, Look, Reading, Record
from streams.inference import histories, overload
from streams.inference.answer import Refusal
from streams.inference.asking import Asker
from streams.inference.choosing import ModelChoice, Use
from streams.inference.client import TritonClient
from streams.inference.figures import FRAMES, LOOK_RATE, OVERLOADED
from streams.inference.health import HealthBook
from streams.inference.histories import Before, Histories
from streams.inference.overload import Load, OverloadConfig
from streams.inference.rates import due
from streams.inference.readings import NOT_DUE, beat_reading, detections_of, frame_reading
from streams.inference.rounds import Rounds, Said, Shown
from streams.inference.servers import Servers
from streams.inference.sparing import spare

GROUP = "sightline.detect"
SOURCE, TARGET, HEALTH = "frames", "detections", "up.health"
READ_AT_ONCE = 64
"""Records of one turn; as many as keep the models busy without holding the first ones back."""
READ_WHEN_OVERLOADED = 20_000
"""In overload all that waits is read, so that the newest frame of a camera is indeed that."""
READ_BYTES = 128 << 20
REQUESTS_PER_CORE = 2
_READ_TIMEOUT_S = 0.5
_READ_ON_TIMEOUT_S, _READ_FOR_S = 0.05, 1.0
_PAUSE_AFTER_FAILURE_S = 1.0
_PAUSE_FOR_CONFIG_S = 0.2


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a turn, and what a frame is judged by."""

    message: Message
    record: Frame | Beat
    before: Before


@dataclass
class Turn:
    """What was read in one turn, and where each partition stands after it."""

    messages: list[Message] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    refused: list[tuple[Message, Rejected]] = field(default_factory=list)
    after: dict[int, Histories] = field(default_factory=dict)


class Detector:
    """The loop of detect; one object for each process.

    Args:
        service: settings, log and the order to stop.
        now_ms: the host's clock, UTC milliseconds.
        now_s: a clock that never goes back, seconds.
    """

    def __init__(
        self, service: Service, now_ms: Callable[[], int], now_s: Callable[[], float]
    ) -> None:
        settings = service.settings
        self._service = service
        self._now_ms = now_ms
        self._now_s = now_s
        self._bootstrap = settings.need("edge_kafka")
        settings.need("triton_grpc")
        self._servers = Servers({url: TritonClient(url) for url in settings.triton_servers}, now_s)
        self._configs = ConfigStore(self._bootstrap)
        self._producer = RecordProducer(self._bootstrap, GROUP, linger_ms=0)
        self._consumer = RecordConsumer(
            self._bootstrap, GROUP, [SOURCE], instance=f"{GROUP}-{settings.worker}"
        )
        self._asker = Asker(
            self._servers,
            depth=self._servers.count * requests_of(settings),
            now_ms=now_ms,
            pause=self._hold,
        )
        self._choice = ModelChoice(self._configs, now_s)
        self._rounds = Rounds(self._asker.ask)
        self._histories: dict[int, Histories] = {}
        self._next_offsets: dict[int, int] = {}
        self._load = Load()
        self._health = HealthBook(settings.need("site"), f"detect-{settings.worker}")
        service.checks["models"] = lambda: self._asker.problem

    def run(self) -> None:
        """Take turns until the service is to stop."""
        while not self._service.stopping.is_set():
            turn = Turn()
            try:
                self._turn(turn)
                self._tell()
            except Retryable as error:
                self._service.log.warning("a turn failed and is repeated", error=str(error))
                self._back_to(turn.messages)
                self._hold(_PAUSE_AFTER_FAILURE_S)

    def close(self) -> None:
        """Leave the group and end the threads."""
        self._asker.close()
        self._consumer.close()
        self._configs.close()
        self._servers.close()

    def _turn(self, turn: Turn) -> None:
        self._read(turn)
        if not turn.messages:
            return
        behind = self._consumer.lag()
        LAG.labels(SOURCE).set(behind)
        said = self._said(turn.entries, behind)
        if said is None:
            return
        for message, error in turn.refused:
            DEAD_LETTERS.labels(SOURCE, error.reason).inc()
            self._service.log.warning("refused a record", error=str(error), reason=error.reason)
            send_to_dead_letters(self._producer, message, error)
        written = 0
        for record in self._records(turn.entries, said):
            self._send(TARGET, record, partition=record.partition)
            written += 1
        self._producer.flush()
        notes = {
            (SOURCE, partition): histories.note_of(after) for partition, after in turn.after.items()
        }
        self._consumer.commit(turn.messages, notes)
        self._histories.update(turn.after)
        for message in turn.messages:
            self._next_offsets[message.partition] = message.offset + 1
        RECORDS_OUT.labels(TARGET).inc(written)
        self._count(turn.entries, said)

    def _read(self, turn: Turn) -> None:
        timeout_s, kept, size = _READ_TIMEOUT_S, 0, 0
        overloaded = self._load.overloaded
        limit = READ_WHEN_OVERLOADED if overloaded else READ_AT_ONCE
        until_s = self._now_s() + (_READ_FOR_S if overloaded else 0.0)
        # What must be kept is no reason to read on: nothing of it can be left out.
        while len(turn.messages) < limit and kept < READ_AT_ONCE and size < READ_BYTES:
            messages = self._consumer.read(READ_AT_ONCE, timeout_s)
            if not messages and not overloaded:
                return
            turn.messages += messages
            RECORDS_IN.labels(SOURCE).inc(len(messages))
            for message in messages:
                self._take(turn, message)
                size += len(message.value or b"")
            kept = sum(isinstance(one.record, Frame) and one.record.keep for one in turn.entries)
            if overloaded and (self._now_s() >= until_s or self._consumer.lag() < READ_AT_ONCE):
                return
            timeout_s = _READ_ON_TIMEOUT_S if overloaded else 0.0

    def _take(self, turn: Turn, message: Message) -> None:
        partition = message.partition
        if partition not in turn.after:
            turn.after[partition] = self._histories_at(message)
        try:
            record = decode(message.value)
            if not isinstance(record, Frame | Beat):
                raise Rejected(
                    f"a {type(record).__name__} stands in {SOURCE}", reason="unexpected-record"
                )
        except Rejected as error:
            turn.refused.append((message, error))
            return
        turn.after[partition], before = histories.step(
            turn.after[partition], record, message.offset
        )
        turn.entries.append(Entry(message, record, before))

    def _histories_at(self, message: Message) -> Histories:
        """Return the backgrounds as they were before a message, made again where needed."""
        partition = message.partition
        if self._next_offsets.get(partition) == message.offset:
            return self._histories[partition]
        offsets = histories.offsets_in(self._consumer.note(SOURCE, partition))
        earlier = [offset for offset in offsets if offset < message.offset]
        found = read_at(self._bootstrap, SOURCE, partition, earlier) if earlier else []
        self._service.log.info(
            "took over a partition", partition=partition, thumbnails=len(found), of=len(earlier)
        )
        return histories.restored((one.offset, one.value) for one in found)

    def _said(self, entries: list[Entry], behind: int) -> dict[int, Said] | None:
        """Return what was said of each frame by its index in ``entries``; None: stop."""
        shown: dict[int, Shown] = {}
        said: dict[int, Said] = {}
        for index, entry in enumerate(entries):
            if not isinstance(entry.record, Frame):
                continue
            chosen = self._chosen(entry.record, entry.before.previous_at)
            if chosen is None:
                return None
            if isinstance(chosen, Refusal):
                said[index] = Said((chosen,))
            else:
                background = entry.before.background
                shown[index] = Shown(entry.record, chosen, entry.message.arrived_at, background)
        self._load, spared = spare(
            self._load, list(shown.values()), behind, self._now_s(), OverloadConfig()
        )
        began_s = self._now_s()
        found = self._rounds.about([one.shown for one in spared])
        if found is None:
            return None
        asked = sum(len(one.shown.uses) for one in spared)
        self._load = overload.answered(self._load, asked, self._now_s() - began_s)
        for index, one, answers in zip(shown, spared, found, strict=True):
            said[index] = replace(answers, outcomes=(*answers.outcomes, *one.left_out))
        return said

    def _chosen(self, frame: Frame, previous_at: int | None) -> tuple[Use, ...] | Refusal | None:
        """Return the models due at a frame, waiting for its configuration; None: stop."""
        while True:
            try:
                return due(self._choice.uses_of(frame), frame, previous_at)
            except Rejected as error:
                return Refusal("failed", error.reason)
            except Retryable:
                if not self._hold(_PAUSE_FOR_CONFIG_S):
                    return None

    def _records(self, entries: list[Entry], said: dict[int, Said]) -> list[Detections]:
        readings: dict[int, list[Reading]] = {}
        sites: dict[int, str] = {}
        for index, entry in enumerate(entries):
            place, offset = entry.message.partition, entry.message.offset
            sites[place] = entry.record.site
            readings.setdefault(place, []).append(
                beat_reading(entry.record, offset)
                if isinstance(entry.record, Beat)
                else _reading(entry.record, offset, said[index])
            )
        return [
            record
            for place, ordered in sorted(readings.items())
            for record in detections_of(sites[place], place, ordered)
        ]

    def _send(
        self, topic: str, record: Record, *, key: str | None = None, partition: int | None = None
    ) -> None:
        while True:
            try:
                self._producer.send(topic, record, key=key, partition=partition)
                return
            except Backpressure:
                self._producer.flush()

    def _count(self, entries: list[Entry], said: dict[int, Said]) -> None:
        LOOK_RATE.set(self._load.looks_per_s or 0)
        OVERLOADED.set(self._load.overloaded)
        for index, one in said.items():
            record = entries[index].record
            assert isinstance(record, Frame)
            reading = _reading(record, 0, one)
            looks = reading.looks or _looks_of(reading)
            self._health.looked(record.camera, looks, self._now_s())
            if not looks:
                continue
            for look in looks:
                FRAMES.labels(reading.camera, look.model, look.outcome).inc()
            if reading.outcome != "ok":
                DROPPED.labels("frame", reading.reason).inc()
            elif not record.keep:
                DELAY.labels("detect").observe(max(0, self._now_ms() - record.captured_at) / 1000)

    def _tell(self) -> None:
        """Write what has changed of the process and the cameras to ``up.health``."""
        now_s = self._now_s()
        self._health.waits(self._asker.waiting, now_s)
        problem, overloaded = self._asker.problem, self._load.overloaded
        remark = "; ".join(self._servers.problems) or None
        records = self._health.due(problem, overloaded, now_s, self._now_ms(), remark=remark)
        for record in records:
            self._send(HEALTH, record, key=record.health_id)

    def _hold(self, pause_s: float) -> bool:
        """Wait without reading, but keep the place in the group; False when it is time to stop."""
        self._tell()
        self._consumer.pause()
        until_s = self._now_s() + pause_s
        while not self._service.stopping.is_set() and self._now_s() < until_s:
            # Partitions that came meanwhile are not paused: read those records again later.
            for message in self._consumer.read(1, min(0.1, pause_s)):
                self._consumer.seek(message)
                self._consumer.pause()
        self._consumer.resume()
        return not self._service.stopping.is_set()

    def _back_to(self, messages: list[Message]) -> None:
        """Read from the first of these messages on again, with the state from before it."""
        first: dict[int, Message] = {}
        for message in messages:
            first.setdefault(message.partition, message)
        assigned = self._consumer.assigned()
        for partition, message in first.items():
            self._next_offsets.pop(partition, None)
            if (SOURCE, partition) in assigned:
                self._consumer.seek(message)


def requests_of(settings: Settings) -> int:
    """Return how many requests may be under way at each model server.

    Raises:
        Fatal: the setting is no such number.
    """
    wanted = settings.triton_requests or str(REQUESTS_PER_CORE * (os.cpu_count() or 1))
    if not wanted.isdecimal() or int(wanted) == 0:
        raise Fatal(f"SIGHTLINE_TRITON_REQUESTS is {wanted!r}: give a number from 1 on, or nothing")
    return int(wanted)


def run_detect(service: Service) -> None:
    """Run detect until the service is to stop."""
    detector = Detector(service, lambda: time.time_ns() // 1_000_000, time.monotonic)
    try:
        detector.run()
    finally:
        detector.close()


def _reading(frame: Frame, offset: int, said: Said) -> Reading:
    return frame_reading(frame, offset, said.outcomes, said.attributes)


def _looks_of(reading: Reading) -> tuple[Look, ...]:
    """Return what became of a frame that no model was chosen for; nothing if none was due."""
    if reading.reason == NOT_DUE.reason:
        return ()
    look = Look(
        model="", model_version="", outcome=reading.outcome, reason=reading.reason, objects=0
    )
    return (look,)
