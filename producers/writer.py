"""One camera's way into Kafka: frames, beats, video and health, in one order, under one lock.

The camera's own thread writes frames; the process writes beats each second. What comes at or below
a time already written is dropped as late and counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from infra.runtime.kafka import RecordProducer
from infra.runtime.metrics import DELAY, DROPPED, RECORDS_OUT
from producers import beats, clock
from producers.health import CameraHealth
from schemas.errors import Backpressure
from schemas.records import Beat, Frame, Record, Video
from schemas.topics import RECORDING

FRAMES_TOPIC, VIDEO_TOPIC, HEALTH_TOPIC = "frames", "video", "up.health"


@dataclass(frozen=True, slots=True)
class Clocks:
    """The host's clocks; tests bring their own."""

    monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000
    host_at: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    """UTC ms."""


class CameraWriter:
    """Writes what one camera gives, for as long as the process runs and whatever its source.

    Args:
        producer: shared by all cameras.
        site, name: whose records these are.
        config_version: stamped into every record; set anew by :meth:`follow`.
        clocks: the host's.
        tells_view: as in :meth:`follow`.
    """

    def __init__(
        self,
        producer: RecordProducer,
        *,
        site: str,
        name: str,
        config_version: int,
        clocks: Clocks,
        tells_view: bool = True,
    ) -> None:
        self.config_version = config_version
        self.tells_view = tells_view
        self._producer = producer
        self._site = site
        self._name = name
        self._clocks = clocks
        self._lock = threading.RLock()
        self._time: beats.CameraTime | None = None
        self._health = CameraHealth(site, name)

    def resume(self, written_at: int | None, health_revision: int, *, live: bool) -> None:
        """Go on above what was written before; until then there are neither beats nor epochs.

        Args:
            written_at: the camera's latest time, UTC ms; None: nothing was written.
            health_revision: of its latest health.
            live: whether time runs by itself at its source.
        """
        with self._lock:
            self._time = beats.CameraTime(live=live, written_at=written_at)
            self._health.revision = health_revision

    def follow(self, config_version: int, *, tells_view: bool) -> None:
        """Stamp another configuration from the next record on.

        ``tells_view``: one of its sensors looks at what the pictures look like.
        """
        with self._lock:
            self.config_version, self.tells_view = config_version, tells_view

    @property
    def resumed(self) -> bool:
        """Whether it is known what was written before."""
        return self._time is not None

    def opening(self, *, live: bool) -> None:
        """Note that a source is about to be opened, and whether time runs by itself there."""
        with self._lock:
            known = self._known()
            if live != known.live:
                self._time = beats.CameraTime(live=live, written_at=known.written_at)

    def begin_epoch(self, wanted_at: int) -> int:
        """Start an epoch at its first picture; return its time, above all written before."""
        with self._lock:
            known = self._known()
            epoch_at = clock.anchor(wanted_at, known.written_at)
            self._time = beats.opened(known, epoch_at, self._clocks.monotonic_ms())
            self._health.details["epoch_at"] = epoch_at
            return epoch_at

    def seen(self) -> None:
        """Note that a picture was decoded."""
        with self._lock:
            self._time = beats.seen(self._known(), self._clocks.monotonic_ms())

    def held(self, captured_at: int) -> None:
        """Note that the motion gate held a sampled picture back."""
        with self._lock:
            now_ms = self._clocks.monotonic_ms()
            self._time = beats.sampled(self._known(), captured_at, now_ms, sent=False)

    def frame(self, frame: Frame) -> bool:
        """Write a frame; False if it came too late and was dropped.

        Raises:
            Backpressure: the queue to Kafka is full; nothing was written.
        """
        with self._lock:
            known = self._known()
            if beats.is_late(known, frame.captured_at):
                self.drop("late")
                return False
            # Stamped under the lock, so that no older version follows a newer one.
            view = frame.view if self.tells_view else None
            stamped = replace(frame, config_version=self.config_version, view=view)
            self._send(FRAMES_TOPIC, stamped, self._name)
            now_ms = self._clocks.monotonic_ms()
            self._time = beats.sampled(known, frame.captured_at, now_ms, sent=True)
            self._health.frames += 1
        self._producer.poll()
        if known.live:
            delay_ms = self._clocks.host_at() - frame.captured_at
            DELAY.labels("capture").observe(max(0, delay_ms) / 1000)
        return True

    def video(self, video: Video, *, recorded: bool) -> None:
        """Write a fragment of the camera's own video; ``recorded``: all of it is kept.

        Raises:
            Backpressure: the queue to Kafka is full; nothing was written.
        """
        self._send(RECORDING.name if recorded else VIDEO_TOPIC, video, self._name)

    def drop(self, reason: str, what: str = "frame") -> None:
        """Count something that is not written, and why."""
        DROPPED.labels(what, reason).inc()
        if what == "frame":
            with self._lock:
                self._health.dropped += 1

    def end(self) -> None:
        """Note a file's end: from now on its time goes with the monotonic clock."""
        with self._lock:
            self._time = beats.ended(self._known(), self._clocks.monotonic_ms())

    def tell(self, state: str, reason: str | None = None, **details: object) -> None:
        """Say how the camera is; written at once if it is news."""
        with self._lock:
            self._health.state, self._health.reason = state, reason
            self._health.details.update(details)
            self._tell_if_due()

    def beat(self) -> None:
        """Write the beat of this second, and health where it has changed or is due."""
        with self._lock:
            if self._time is None:
                return
            now_ms = self._clocks.monotonic_ms()
            after, pulse = beats.beat(self._time, now_ms, self._clocks.host_at())
            if pulse is not None and self._sent(FRAMES_TOPIC, self._beat(pulse), self._name):
                self._time = after
            self._health.notice(beats.state_of(after, now_ms))
            self._tell_if_due()

    def leave(self, reason: str) -> None:
        """Say that the camera is gone: a last beat ``offline``, so that nobody waits for it."""
        with self._lock:
            known = self._time
            if known is not None and known.epoch_at is not None:
                after, pulse = beats.farewell(known, self._clocks.monotonic_ms())
                if self._sent(FRAMES_TOPIC, self._beat(pulse), self._name):
                    self._time = after
            self.tell("offline", reason)

    def _known(self) -> beats.CameraTime:
        assert self._time is not None, "resume() comes first"
        return self._time

    def _beat(self, pulse: beats.Pulse) -> Beat:
        return Beat(
            site=self._site,
            camera=self._name,
            beat_at=pulse.beat_at,
            state=pulse.state,
            epoch_at=pulse.epoch_at,
            config_version=self.config_version,
            still=pulse.still,
        )

    def _tell_if_due(self) -> None:
        now_ms = self._clocks.monotonic_ms()
        if self._time is None or not self._health.is_due(now_ms):
            return
        record = self._health.record(now_ms, self._clocks.host_at(), self._time.written_at)
        if self._sent(HEALTH_TOPIC, record, record.health_id):
            self._health.told(record, now_ms)

    def _sent(self, topic: str, record: Record, key: str) -> bool:
        """Send what the next second says again and better, should the queue be full."""
        try:
            self._send(topic, record, key)
        except Backpressure:
            DROPPED.labels(type(record).__name__.lower(), "queue-full").inc()
            return False
        return True

    def _send(self, topic: str, record: Record, key: str) -> None:
        self._producer.send(topic, record, key=key)
        RECORDS_OUT.labels(topic).inc()
