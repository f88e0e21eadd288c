"""The ``frames`` topic as evidence uses it: followed for its times, read back by offset."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from infra.runtime.following import TopicFollower
from infra.runtime.kafka import Message, reading_client
from infra.runtime.metrics import DROPPED
from schemas.codec import decode, decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import Beat, Frame
from streams.evidence.index import Entry, FrameIndex

FRAMES_TOPIC = "frames"
EXPIRED = "expired"
"""Reason of the error about a frame that the topic no longer holds."""
_EXPIRY_CHECK_S = 10.0
_TIMEOUT_S = 10.0
_EOF = KafkaError._PARTITION_EOF
_OUT_OF_RANGE = KafkaError._AUTO_OFFSET_RESET


class FrameFollower:
    """Reads ``frames`` from its beginning and keeps an index of times and places."""

    def __init__(self, bootstrap: str) -> None:
        self.index = FrameIndex()
        self._topic = TopicFollower(bootstrap, FRAMES_TOPIC, "evidence")
        self._checked_s = time.monotonic()

    @property
    def caught_up(self) -> bool:
        """Whether everything that was in the topic at the start has been read."""
        return self._topic.caught_up

    def advance(self) -> int:
        """Take what has come into the index without waiting; return how many messages."""
        messages = self._topic.read()
        for message in messages:
            self._note(message)
        if time.monotonic() - self._checked_s >= _EXPIRY_CHECK_S:
            self._checked_s = time.monotonic()
            # While Kafka is away nothing is forgotten.
            self.index.expire(self._topic.low_offsets() or {})
        return len(messages)

    def close(self) -> None:
        """Stop reading."""
        self._topic.close()

    def _note(self, message: Message) -> None:
        try:
            record = decode(message.value)
        except Rejected as error:
            # Detection puts it into the dead letters; here it is only passed over.
            DROPPED.labels(FRAMES_TOPIC, error.reason).inc()
            return
        if isinstance(record, Frame):
            entry = Entry(record.captured_at, message.partition, message.offset)
            self.index.add_frame(record.camera, entry)
        elif isinstance(record, Beat):
            self.index.add_beat(record.camera, record.beat_at)


class FrameReader:
    """Reads single frames of ``frames`` by their places."""

    def __init__(self, bootstrap: str) -> None:
        self._kafka = reading_client(
            bootstrap,
            "evidence-reader",
            {
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 100,
                # One frame is wanted as a rule: little is fetched ahead.
                "fetch.message.max.bytes": 1 << 20,
                "queued.max.messages.kbytes": 8192,
            },
        )

    def read_one(self, partition: int, offset: int) -> Frame:
        """Return the frame at an offset.

        Raises:
            Rejected: with reason ``expired``, or as of a record that cannot be read.
            Retryable: Kafka does not answer.
        """
        for frame in self._read(partition, {offset}):
            return frame
        raise Rejected(f"frame {partition}/{offset} has expired in Kafka", reason=EXPIRED)

    def read_many(self, entries: Sequence[Entry]) -> Iterator[Frame]:
        """Yield the frames of ``entries`` in order, those that have expired left out.

        Raises:
            Rejected: a record is no frame.
            Retryable: Kafka does not answer.
        """
        for partition, run in groupby(entries, lambda entry: entry.partition):
            yield from self._read(partition, {entry.offset for entry in run})

    def close(self) -> None:
        """Stop reading."""
        self._kafka.close()

    def _read(self, partition: int, offsets: set[int]) -> Iterator[Frame]:
        try:
            low, high = self._kafka.get_watermark_offsets(
                TopicPartition(FRAMES_TOPIC, partition), timeout=_TIMEOUT_S
            )
            wanted = {offset for offset in offsets if low <= offset < high}
            if not wanted:
                return
            last = max(wanted)
            self._kafka.assign([TopicPartition(FRAMES_TOPIC, partition, min(wanted))])
            while True:
                raw = self._kafka.poll(_TIMEOUT_S)
                if raw is None:
                    raise Retryable(f"{FRAMES_TOPIC} stopped answering while it was read")
                error = raw.error()
                if error is not None:
                    if error.code() in (_EOF, _OUT_OF_RANGE):
                        return
                    continue
                offset = raw.offset()
                assert offset is not None
                if offset in wanted:
                    yield decode_as(Frame, raw.value())
                if offset >= last:
                    return
        except KafkaException as error:
            raise Retryable(f"{FRAMES_TOPIC} cannot be read: {error}") from error
        finally:
            self._kafka.unassign()
