"""What a client has missed, read back from Kafka in the order in which it arrived there."""

from __future__ import annotations

import heapq
import threading
from collections import deque
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from consumers.realtime.kafka import TIMEOUT_S, bounds, consumer
from consumers.realtime.kinds import SOURCES
from consumers.realtime.positions import Positions, covers
from infra.runtime.kafka import Message, no_answer, to_message
from schemas.errors import Retryable

_AHEAD = 500
"""Messages held of a partition while others are behind."""
_LOOK_S = 0.5
Place = tuple[str, int]


class Replay:
    """The messages of ``[since, until)``, merged by arrival; each partition in its own order."""

    def __init__(self, bootstrap: str, since: Positions, until: Positions) -> None:
        """Begin to read; blocks, as all its methods do.

        Raises:
            Retryable: Kafka does not answer.
        """
        self._bootstrap = bootstrap
        self._kafka = consumer(
            bootstrap,
            **{"enable.partition.eof": True, "queued.max.messages.kbytes": 2048},
        )
        self._lock = threading.Lock()
        self._closed = False
        wanted = [kind for kind, offsets in since.items() if offsets != until[kind]]
        try:
            kept_since, _ = bounds(self._kafka, bootstrap, wanted)
        except Retryable:
            self._kafka.close()
            raise
        self.complete = covers(since, kept_since)
        """Whether everything from there on is still kept."""
        self._next: dict[Place, int] = {}
        self._end: dict[Place, int] = {}
        for kind, offsets in since.items():
            for partition, (offset, end) in enumerate(zip(offsets, until[kind], strict=True)):
                if offset < end:
                    place = (SOURCES[kind].topic, partition)
                    self._next[place], self._end[place] = offset, end
        self._held: dict[Place, deque[Message]] = {place: deque() for place in self._next}
        self._paused: set[Place] = set()
        self._kafka.assign([TopicPartition(*place, start) for place, start in self._next.items()])

    def read(self, limit: int) -> list[Message]:
        """Return the next messages; none at the end.

        Raises:
            Retryable: Kafka does not answer, or stops answering.
        """
        with self._lock:
            return self._read(limit)

    def close(self) -> None:
        """Stop reading; another thread's :meth:`read` ends first."""
        self._closed = True
        with self._lock:
            self._kafka.close()

    def _read(self, limit: int) -> list[Message]:
        messages: list[Message] = []
        while len(messages) < limit and self._fill():
            heads = [(held[0].arrived_at, place) for place, held in self._held.items() if held]
            heapq.heapify(heads)
            # Without a look at Kafka for as long as each unfinished partition has its next one here.
            while heads and len(messages) < limit:
                _, place = heapq.heappop(heads)
                messages.append(self._held[place].popleft())
                if self._held[place]:
                    heapq.heappush(heads, (self._held[place][0].arrived_at, place))
                elif self._unfinished(place):
                    break
        return messages

    def _unfinished(self, place: Place) -> bool:
        return self._next[place] < self._end[place]

    def _fill(self) -> bool:
        """Hold the next message of each partition that has one; tell whether there is any."""
        while any(self._unfinished(place) and not held for place, held in self._held.items()):
            self._resume()
            try:
                for message in (self._first(), *self._kafka.consume(_AHEAD, 0)):
                    self._hold(message)
            except KafkaException as error:
                raise Retryable(no_answer(self._bootstrap, error)) from error
        return any(self._held.values())

    def _first(self) -> Any:
        for _ in range(int(TIMEOUT_S / _LOOK_S)):
            if self._closed:
                break
            message = self._kafka.poll(_LOOK_S)
            if message is not None:
                return message
        raise Retryable(f"Kafka at {self._bootstrap} does not go on answering a resumed client")

    def _hold(self, message: Any) -> None:
        place = (message.topic(), message.partition())
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                self._next[place] = max(self._next[place], self._end[place])
            elif not error.retriable():
                raise Retryable(f"{place[0]}[{place[1]}] cannot be read: {error.str()}")
            return
        self._next[place] = message.offset() + 1
        if message.offset() >= self._end[place]:
            return
        held = self._held[place]
        held.append(to_message(message))
        if len(held) >= _AHEAD or not self._unfinished(place):
            self._pause(place)

    def _pause(self, place: Place) -> None:
        if place not in self._paused:
            self._paused.add(place)
            self._kafka.pause([TopicPartition(*place)])

    def _resume(self) -> None:
        hungry = [
            place for place in self._paused if not self._held[place] and self._unfinished(place)
        ]
        if hungry:
            self._kafka.resume([TopicPartition(*place) for place in hungry])
            self._paused.difference_update(hungry)
