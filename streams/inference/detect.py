"""The service detect: reads ``frames``, asks the models, writes ``detections``.

A turn takes what waits, answers it, writes a record for each partition, waits until the broker has
it, and only then commits. While one is answered the next is read, so the models never wait for
Kafka; they end in the order in which they were read. Whatever goes wrong in a turn, it and all
behind it are read and answered again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import RecordConsumer, RecordProducer, send_to_dead_letters
from infra.runtime.metrics import DEAD_LETTERS, DELAY, DROPPED, LAG, RECORDS_OUT
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from infra.runtime.watchdog import watched
from schemas.errors import Backpressure, Fatal, Rejected, Retryable
from schemas.records import Frame, Reading, Record
from streams.inference import histories, overload
from streams.inference.answer import Refusal
from streams.inference.asking import Asker
from streams.inference.choosing import ModelChoice, Use
from streams.inference.client import TritonClient
from streams.inference.figures import FRAMES, LOOK_RATE, OVERLOADED
from streams.inference.health import HealthBook
from streams.inference.intake import SOURCE, Intake
from streams.inference.occupancy import Work
from streams.inference.overload import OverloadConfig
from streams.inference.pipeline import Pipeline
from streams.inference.rates import due
from streams.inference.rounds import Rounds, Said, Shown
from streams.inference.servers import Servers
from streams.inference.sparing import Sparing, spare
from streams.inference.turns import Turn, looks_of, readings_of, records_of

GROUP = "sightline.detect"
TARGET, HEALTH = "detections", "up.health"
REQUESTS_PER_CORE = 2
MOST_TURNS = 16
_AHEAD_S = 0.05
"""A turn is read when the models have work left for so long and for the time that reading takes,
or when they could be asked more at once."""
_MOST_AHEAD_S = 0.5
_WAIT_S = 0.5
_UNHEARD_S = 2.0
"""So long the group hears nothing of this member where turns take long."""
_SMOOTHING = 0.2
_PAUSE_AFTER_FAILURE_S = 1.0
_PAUSE_FOR_CONFIG_S = 0.2


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
        bootstrap = settings.need("edge_kafka")
        settings.need("triton_grpc")
        self._servers = Servers({url: TritonClient(url) for url in settings.triton_servers}, now_s)
        self._configs = ConfigStore(bootstrap)
        self._producer = RecordProducer(bootstrap, GROUP, linger_ms=0)
        self._consumer = RecordConsumer(
            bootstrap, GROUP, [SOURCE], instance=f"{GROUP}-{settings.worker}"
        )
        self._intake = Intake(bootstrap, self._consumer, now_s, service.log)
        self._pipeline = Pipeline[Turn](self._answer, self._write, MOST_TURNS)
        self._uncommitted: list[Turn] = []
        self._asker = Asker(
            self._servers,
            depth=self._servers.count * requests_of(settings),
            now_ms=now_ms,
            now_s=now_s,
            pause=self._pipeline.pause,
        )
        self._choice = ModelChoice(self._configs, now_s)
        self._rounds = Rounds(self._asker.ask)
        self._sparing = Sparing()
        self._work = Work()
        self._taking_s = 0.0
        self._heard_s = now_s()
        self._health = HealthBook(settings.need("site"), f"detect-{settings.worker}")
        service.checks["models"] = lambda: self._asker.problem

    def excuse(self) -> str | None:
        """Say why nothing is committed for now: the models' answers may take long."""
        return self._asker.problem or (None if self._asker.is_idle else "models are asked")

    def run(self) -> None:
        """Take turns until the service is to stop."""
        while not self._service.stopping.is_set():
            turn = Turn()
            try:
                self._commit(self._pipeline.ended())
                self._tell()
                if self._has_room():
                    self._take(turn)
            except Retryable as error:
                self._service.log.warning("a turn failed and is repeated", error=str(error))
                left = [*self._uncommitted, *self._pipeline.abandon(), turn]
                self._uncommitted = []
                self._intake.back_to([message for one in left for message in one.messages])
                self._hold(_PAUSE_AFTER_FAILURE_S)

    def close(self) -> None:
        """Commit what is written, leave the group and end the threads."""
        self._pipeline.close()
        try:
            self._commit(self._pipeline.ended())
        except Retryable as error:
            self._service.log.warning("the last turns will be repeated", error=str(error))
        self._asker.close()
        self._consumer.close()
        self._configs.close()
        self._servers.close()

    def _has_room(self) -> bool:
        """Wait until the models have little left to do; False: they still have more."""
        if self._pipeline.is_full:
            self._pipeline.wait(_WAIT_S)
        if not self._pipeline.is_full and self._asker.has_room(self._ahead(), _WAIT_S):
            self._heard_s = self._now_s()
            return True
        if self._now_s() - self._heard_s >= _UNHEARD_S:
            self._hold(_WAIT_S)
            self._heard_s = self._now_s()
        return False

    def _ahead(self) -> int:
        """Return how many looks take as long as reading the next turn may."""
        in_time_s = min(_AHEAD_S + 2 * self._taking_s, _MOST_AHEAD_S)
        return max(1, round((self._sparing.load.looks_per_s or 0) * in_time_s))

    def _take(self, turn: Turn) -> None:
        """Read a turn, decide who looks at what, and have it answered."""
        turn.found_idle = self._asker.is_idle
        self._intake.read(turn, overloaded=self._sparing.load.overloaded)
        if not turn.messages:
            return
        behind = self._consumer.lag()
        LAG.labels(SOURCE).set(behind)
        if not self._choose(turn, behind):
            return
        self._taking_s += _SMOOTHING * (self._now_s() - turn.began_s - self._taking_s)
        self._pipeline.begin(turn)

    def _choose(self, turn: Turn, behind: int) -> bool:
        """Choose the models that look at each frame; False: the process is to stop."""
        shown: dict[int, Shown] = {}
        for index, entry in enumerate(turn.entries):
            if not isinstance(entry.record, Frame):
                continue
            chosen = self._chosen(entry.record, entry.before.previous_at)
            if chosen is None:
                return False
            if isinstance(chosen, Refusal):
                turn.said[index] = Said((chosen,))
            else:
                background = entry.before.background
                shown[index] = Shown(entry.record, chosen, entry.message.arrived_at, background)
        second = self._rounds.second
        self._sparing, spared = spare(
            self._sparing,
            list(shown.values()),
            behind,
            self._now_s(),
            OverloadConfig(),
            second,
            idle=turn.found_idle,
        )
        turn.asked = dict(zip(shown, spared, strict=True))
        turn.looks = sum(use.model not in second for one in spared for use in one.shown.uses)
        return True

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

    def _answer(self, turn: Turn) -> bool:
        """Ask about the frames of a turn; False: it was abandoned."""
        found = self._rounds.about([one.shown for one in turn.asked.values()])
        if found is None:
            return False
        for (index, one), said in zip(turn.asked.items(), found, strict=True):
            turn.said[index] = replace(said, outcomes=(*said.outcomes, *one.left_out))
        turn.readings = readings_of(turn)
        return True

    def _write(self, turns: Sequence[Turn]) -> None:
        """Write what was said in turns in a row, and wait until the broker has it."""
        for message, error in chain.from_iterable(turn.refused for turn in turns):
            DEAD_LETTERS.labels(SOURCE, error.reason).inc()
            self._service.log.warning("refused a record", error=str(error), reason=error.reason)
            send_to_dead_letters(self._producer, message, error)
        records = records_of(turns)
        for record in records:
            self._send(TARGET, record, partition=record.partition)
        self._producer.flush()
        RECORDS_OUT.labels(TARGET).inc(len(records))
        written_ms = self._now_ms()
        for turn in turns:
            turn.written_ms = written_ms

    def _commit(self, turns: Sequence[Turn]) -> None:
        """Commit turns that are written."""
        self._uncommitted += turns
        if not self._uncommitted:
            return
        after = {p: known for turn in self._uncommitted for p, known in turn.after.items()}
        # What another process has taken over is its own to commit.
        assigned = self._consumer.assigned()
        messages = [
            message
            for turn in self._uncommitted
            for message in turn.messages
            if (SOURCE, message.partition) in assigned
        ]
        places = {message.partition for message in messages}
        notes = {(SOURCE, place): histories.note_of(after[place]) for place in places}
        self._consumer.commit(messages, notes)
        self._uncommitted = []
        self._count(turns)

    def _send(
        self, topic: str, record: Record, *, key: str | None = None, partition: int | None = None
    ) -> None:
        while True:
            try:
                self._producer.send(topic, record, key=key, partition=partition)
                return
            except Backpressure:
                self._producer.flush()

    def _count(self, turns: Sequence[Turn]) -> None:
        """Note what became of turns, and how fast."""
        looks = sum(turn.looks for turn in turns)
        if looks:
            work = self._asker.work
            load = overload.answered(self._sparing.load, looks, work - self._work)
            self._sparing, self._work = replace(self._sparing, load=load), work
            LOOK_RATE.set(load.looks_per_s or 0)
            OVERLOADED.set(load.overloaded)
        for turn in turns:
            for entry, reading in zip(turn.entries, turn.readings, strict=True):
                if isinstance(entry.record, Frame):
                    self._count_frame(entry.record, reading, turn.written_ms)

    def _count_frame(self, frame: Frame, reading: Reading, written_ms: int) -> None:
        looks = looks_of(reading)
        self._health.looked(frame.camera, looks, self._now_s())
        for look in looks:
            FRAMES.labels(reading.camera, look.model, look.outcome).inc()
        if looks and reading.outcome != "ok":
            DROPPED.labels("frame", reading.reason).inc()
        elif looks and not frame.keep:
            DELAY.labels("detect").observe(max(0, written_ms - frame.captured_at) / 1000)

    def _tell(self) -> None:
        """Write what has changed of the process and the cameras to ``up.health``."""
        now_s = self._now_s()
        self._health.waits(self._asker.waiting, now_s)
        problem, overloaded = self._asker.problem, self._sparing.load.overloaded
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
        with watched(service.settings.need("edge_kafka"), {GROUP: [SOURCE]}, detector.excuse):
            detector.run()
    finally:
        detector.close()
