"""A member of a consumer group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from infra.runtime.kafka.message import (
    CLIENT_LOG,
    MESSAGE_BYTES,
    Message,
    insist_it_goes_on,
    with_those_waiting,
)
from schemas.errors import Fatal, Retryable


class RecordConsumer:
    """A member of a consumer group that commits only what its caller has finished with.

    For one thread: calls of others wait for its reads, and may wait for ever.
    """

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        *,
        instance: str | None = None,
        from_latest: bool = False,
    ) -> None:
        config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "client.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "latest" if from_latest else "earliest",
            "fetch.message.max.bytes": MESSAGE_BYTES,
            "topic.metadata.refresh.interval.ms": 5000,
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 2000,
            "partition.assignment.strategy": "cooperative-sticky",
            "log.connection.close": False,
        }
        if instance:
            config["group.instance.id"] = instance
        self._consumer = Consumer(config, logger=CLIENT_LOG)
        self._from_latest = from_latest
        self._paused: set[tuple[str, int]] = set()
        self._starts: dict[tuple[str, int], int | None] = {}
        self._consumer.subscribe(list(topics), on_assign=self._forget_starts)

    def read(self, limit: int = 500, timeout_s: float = 0.5) -> list[Message]:
        """Return up to ``limit`` messages, as soon as there are any.

        Raises:
            Fatal: the consumer was fenced off by another with its name, or the topic is not there.
        """
        first = self._consumer.poll(timeout_s)
        return [] if first is None else with_those_waiting(self._consumer, first, limit)

    def commit(
        self, messages: Iterable[Message], notes: Mapping[tuple[str, int], str] | None = None
    ) -> None:
        """Commit everything up to these messages.

        ``notes`` holds a short text (at most 4,096 bytes) for a topic and partition, kept by the
        broker with the commit; :meth:`note` gives it back to whoever reads the partition next.

        Raises:
            Retryable: the commit failed; the messages will come again.
            Fatal: the consumer was fenced off by another with its name.
        """
        ends: dict[tuple[str, int], int] = {}
        for message in messages:
            place = (message.topic, message.partition)
            ends[place] = max(ends.get(place, 0), message.offset + 1)
        if not ends:
            return
        texts = notes or {}
        offsets = [TopicPartition(*place, end, texts.get(place, "")) for place, end in ends.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            insist_it_goes_on(error.args[0])
            raise Retryable(f"the commit failed: {error}") from error

    def note(self, topic: str, partition: int) -> str:
        """Return the text of a partition's last commit; empty if there is none.

        Raises:
            Retryable: the broker does not answer.
        """
        try:
            (place,) = self._consumer.committed([TopicPartition(topic, partition)], timeout=10)
        except KafkaException as error:
            raise Retryable(f"the last commit of {topic} is not known: {error}") from error
        return place.metadata or ""

    def seek(self, message: Message) -> None:
        """Read again from this message on.

        Raises:
            Fatal: the partition cannot be read from there; going on would leave a gap.
        """
        try:
            self._consumer.seek(TopicPartition(message.topic, message.partition, message.offset))
        except KafkaException as error:
            raise Fatal(
                f"{message.topic}/{message.partition} cannot be read again from "
                f"{message.offset}: {error}; start this process again"
            ) from error

    def pause(self) -> None:
        """Stop fetching; :meth:`read` goes on keeping the place in the group."""
        places = self._consumer.assignment()
        self._paused |= {(place.topic, place.partition) for place in places}
        self._consumer.pause(places)

    def resume(self) -> None:
        """Fetch again after :meth:`pause`."""
        # The client keeps a pause for a partition that it loses meanwhile: given back, it would
        # never be read again.
        places = self.assigned() | self._paused
        self._paused = set()
        self._consumer.resume([TopicPartition(*place) for place in sorted(places)])

    def assigned(self) -> set[tuple[str, int]]:
        """Return the (topic, partition) pairs that this member reads now."""
        return {(place.topic, place.partition) for place in self._consumer.assignment()}

    def lag(self) -> int:
        """Return how many messages of the assigned partitions wait to be read.

        A partition is left out while it is not known where reading begins.
        """
        places = self._consumer.position(self._consumer.assignment())
        self._find_starts([place for place in places if place.offset < 0])
        waiting = 0
        for place in places:
            low, high = self._consumer.get_watermark_offsets(place, cached=True)
            start = self._starts.get((place.topic, place.partition))
            read_to = start if place.offset < 0 else place.offset
            if read_to is not None:
                waiting += max(0, high - max(read_to, low))
        return waiting

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _find_starts(self, unread: Sequence[TopicPartition]) -> None:
        """Ask where reading begins in partitions of which nothing was read yet."""
        unknown = [one for one in unread if (one.topic, one.partition) not in self._starts]
        if not unknown:
            return
        try:
            found = self._consumer.committed(unknown, timeout=2)
        except KafkaException:
            return
        first = None if self._from_latest else 0
        for place in found:
            start = place.offset if place.offset >= 0 else first
            self._starts[place.topic, place.partition] = start

    def _forget_starts(self, _: Consumer, places: Sequence[TopicPartition]) -> None:
        for place in places:
            self._starts.pop((place.topic, place.partition), None)
