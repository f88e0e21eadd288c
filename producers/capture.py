"""One camera's loop: open its source, write what it gives, and try again when it fails."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from producers import backoff
from producers.answers import Answers
from producers.opening import CameraTask, Opening
from producers.pace import RealPace
from producers.recording import is_recorded
from producers.sampler import round_ms
from producers.sources.registry import make_source
from producers.sources.source import Packet, Picture, Source
from producers.writer import CameraWriter, Clocks
from schemas.errors import Backpressure, SightlineError
from schemas.records import Frame, Video
from schemas.site import Camera

MakeSource = Callable[[Camera, Mapping[str, str]], Source]
_ROOM_WAIT_S = 0.5


class CameraCapture:
    """Captures one camera, as it is configured, until it is told to stop.

    Args:
        task: the camera.
        writer: where its records go.
        environment: variables in which passwords are looked up.
        answers: for ``pace: max``; else None.
        clocks: the host's.
        make: how a source is made; tests bring their own.
    """

    def __init__(
        self,
        task: CameraTask,
        writer: CameraWriter,
        environment: Mapping[str, str],
        answers: Answers | None,
        clocks: Clocks,
        make: MakeSource = make_source,
    ) -> None:
        self.stopping = threading.Event()
        self._task = task
        self._camera = task.camera
        self._writer = writer
        self._environment = environment
        self._answers = answers
        self._clocks = clocks
        self._make = make
        self._pace = RealPace()
        self._log = structlog.get_logger("capture").bind(camera=task.name)
        self._pictures = 0

    def run(self) -> None:
        """Capture until :attr:`stopping` is set, or the file has ended and does not loop."""
        live = self._camera.source.live
        self._writer.opening(live=live)
        self._writer.tell("connecting")
        starts_at = self._camera.start_at
        failures = 0
        while not self.stopping.is_set():
            self._pictures = 0
            error: SightlineError | None = None
            next_at: int | None = None
            try:
                next_at = self._epoch(starts_at)
            except SightlineError as caught:
                error = caught
            if self.stopping.is_set():
                return
            if error is None and not live:
                if not self._camera.loop:
                    return self._ended()
                starts_at = next_at
                continue
            failures = 1 if self._pictures else failures + 1
            reason = str(error) if error else f"{self._camera.source} closed the connection"
            self._writer.tell("offline", reason)
            self._log.warning("camera lost", reason=reason, failures=failures)
            self.stopping.wait(backoff.delay_s(failures, error, random.random()))

    def _epoch(self, starts_at: int | None) -> int | None:
        """Read one opening of the source; return when another one after it would start, UTC ms."""
        opening = Opening(self._task)
        with _opened(self._make(self._camera, self._environment)) as source:
            try:
                for item in source:
                    if self.stopping.is_set():
                        break
                    if isinstance(item, Picture):
                        self._picture(opening, item, source.live, starts_at)
                    else:
                        self._packet(opening, item, source)
            finally:
                self._write_video(opening.last_video())
            last = opening.last_frame()
            if last is not None and not source.live:
                self._write(last, live=False)
            report = source.report()
            if report.damaged_packets:
                self._log.warning("damaged packets", count=report.damaged_packets)
            interval_ms = max(1, round_ms(report.frame_interval_ms))
            return opening.clock.captured_at + interval_ms if opening.clock else starts_at

    def _picture(
        self, opening: Opening, picture: Picture, live: bool, starts_at: int | None
    ) -> None:
        now_ms = self._clocks.monotonic_ms()
        if opening.clock is None:
            wanted_at = self._clocks.host_at() if starts_at is None else starts_at
            epoch_at = self._writer.begin_epoch(wanted_at)
            opening.begin(picture, epoch_at, now_ms if live else None)
            self._writer.tell("online")
            self._log.info("epoch", epoch_at=epoch_at)
        elif corrected_ms := opening.advance(picture, now_ms):
            self._log.warning(
                "the camera's timestamps jumped or drifted: its time follows the host's",
                corrected_ms=corrected_ms,
            )
        assert opening.clock is not None, "an epoch has begun"
        self._pictures += 1
        if not live:
            self._keep_pace(opening.clock.captured_at)
        self._writer.seen()
        sampled = opening.sample(picture)
        if sampled is not None and sampled.frame is not None:
            self._write(sampled.frame, live)
        elif sampled is not None:
            self._writer.held(sampled.captured_at)

    def _packet(self, opening: Opening, packet: Packet, source: Source) -> None:
        facts = source.facts()
        if facts is not None:
            self._write_video(opening.packet(packet, facts))

    def _keep_pace(self, captured_at: int) -> None:
        if self._camera.pace == "real":
            wait_ms = self._pace.wait_ms(captured_at, self._clocks.monotonic_ms())
            if wait_ms:
                self.stopping.wait(wait_ms / 1000)

    def _write(self, frame: Frame, live: bool) -> None:
        answers, name = self._answers, self._task.name
        while answers is not None and not answers.has_room(name, _ROOM_WAIT_S):
            if self.stopping.is_set():
                return
        if answers is not None:
            answers.wrote(name, frame.epoch_at, frame.seq)
        while not self.stopping.is_set():
            try:
                written = self._writer.frame(frame)
                if not written and answers is not None:
                    answers.withdrew(name, frame.epoch_at, frame.seq)
                return
            except Backpressure as full:
                # Time goes on for a live camera; a file can wait for the broker.
                if live:
                    self._writer.drop("queue-full")
                    return
                self.stopping.wait(full.retry_after_s)

    def _write_video(self, fragments: Iterable[Video]) -> None:
        for fragment in fragments:
            try:
                self._writer.video(fragment, recorded=is_recorded(self._camera))
            except Backpressure:
                self._writer.drop("queue-full", what="video")

    def _ended(self) -> None:
        self._writer.end()
        self._writer.tell("ended", "the file has been read to its end")
        self._log.info("ended")


@contextmanager
def _opened(source: Source) -> Iterator[Source]:
    try:
        source.open()
        yield source
    finally:
        source.close()
