"""How far detection is behind: which frames of a camera have been answered in ``detections``.

Only for ``pace: max``, where capture goes as fast as the rest takes it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from infra.runtime.kafka import reading_client
from schemas.codec import decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import Detections, Reading

DETECTIONS_TOPIC = "detections"
MOST_AHEAD = 200
"""Frames that may be on their way; contract: ``pace`` of the site configuration."""


class Ahead:
    """The frames of each camera that were written and not answered yet."""

    def __init__(self) -> None:
        self._open: dict[str, deque[tuple[int, int]]] = {}

    def wrote(self, camera: str, epoch_at: int, seq: int) -> None:
        """Note a frame that is about to be written."""
        self._open.setdefault(camera, deque()).append((epoch_at, seq))

    def withdrew(self, camera: str, epoch_at: int, seq: int) -> None:
        """Note that the frame noted last was not written after all."""
        waiting = self._open.get(camera)
        if waiting and waiting[-1] == (epoch_at, seq):
            waiting.pop()

    def answered(self, readings: Iterable[Reading]) -> None:
        """Note answers; one covers the frames before it, for a camera's come in order."""
        for reading in readings:
            waiting = self._open.get(reading.camera)
            if reading.kind != "frame" or reading.epoch_at is None:
                continue
            while waiting and waiting[0] <= (reading.epoch_at, reading.seq):
                waiting.popleft()

    def count(self, camera: str) -> int:
        """Return how many frames of a camera are on their way."""
        return len(self._open.get(camera, ()))

    def forget(self, camera: str) -> None:
        """Expect no more answers for a camera."""
        self._open.pop(camera, None)


class Answers:
    """A thread that follows ``detections`` from its present end; for use by many threads.

    Raises:
        Retryable: Kafka does not answer.
    """

    def __init__(self, bootstrap: str) -> None:
        self._ahead = Ahead()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._log = structlog.get_logger("answers")
        self._consumer = _consumer_at_the_end(bootstrap)
        self._thread = threading.Thread(target=self._follow, name="answers", daemon=True)
        self._thread.start()

    def wrote(self, camera: str, epoch_at: int, seq: int) -> None:
        """Note a frame that is about to be written."""
        with self._changed:
            self._ahead.wrote(camera, epoch_at, seq)

    def withdrew(self, camera: str, epoch_at: int, seq: int) -> None:
        """Note that the frame noted last was not written after all."""
        with self._changed:
            self._ahead.withdrew(camera, epoch_at, seq)

    def has_room(self, camera: str, wait_s: float) -> bool:
        """Wait until fewer than 200 frames of a camera are on their way; False: not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ahead.count(camera) < MOST_AHEAD, wait_s)

    def forget(self, camera: str) -> None:
        """Expect no more answers for a camera."""
        with self._changed:
            self._ahead.forget(camera)

    def close(self) -> None:
        """Stop following."""
        self._stopping.set()
        self._thread.join()
        self._consumer.close()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            raw = self._consumer.poll(0.2)
            if raw is None or raw.error() is not None:
                # The client repairs itself; until then nobody gets ahead.
                continue
            try:
                detections = decode_as(Detections, raw.value())
            except Rejected as error:
                self._log.error("a record of detections cannot be read", reason=error.reason)
                continue
            with self._changed:
                self._ahead.answered(detections.readings)
                self._changed.notify_all()


def _consumer_at_the_end(bootstrap: str) -> Consumer:
    consumer = reading_client(
        bootstrap,
        "capture-answers",
        {
            "auto.offset.reset": "latest",
        },
    )
    try:
        described = consumer.list_topics(DETECTIONS_TOPIC, timeout=10).topics[DETECTIONS_TOPIC]
        places = [TopicPartition(DETECTIONS_TOPIC, partition) for partition in described.partitions]
        # The end is fixed before the first frame is written, so no answer can be missed.
        for place in places:
            place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
    except KafkaException as error:
        consumer.close()
        raise Retryable(f"{DETECTIONS_TOPIC} cannot be read from {bootstrap}: {error}") from error
    consumer.assign(places)
    return consumer
