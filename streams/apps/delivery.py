"""How Faust's messages reach a stage: in bulk, fetched by a client of its own.

Faust's client is written in Python: to ask for messages in real time, a few at once, took it a third of
a stage's processor time, and to hand each of them on in tasks of its own as much as the stage's work
on it. So Faust goes on keeping the group (who reads which partition, and from where, and what is
acknowledged) and librdkafka fetches what Faust says is this worker's (docs/adr/0021).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from faust.transport.drivers.aiokafka import (
    AIOKafkaConsumerThread,
    Consumer,
    Transport,
    server_list,
)
from faust.types import TP, ConsumerMessage

from infra.runtime.kafka import Message, PartitionReader

_LOOK_S = 0.05
"""How often it is looked for partitions where this worker has none."""
_ROOM_S = 0.005
"""How often it is looked whether a stage has room again."""
_GATHER_S = 0.02
"""So long a message waits for others where many come: each delivery costs."""
_STAY_S = 60.0
"""How often the group is told that this worker goes on reading."""


class _GroupThread(AIOKafkaConsumerThread):
    """Keeps this worker's place in the group, and fetches nothing."""

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take partitions over."""
        consumer = self._ensure_consumer()
        consumer.pause(*consumer.assignment())
        await super().on_partitions_assigned(assigned, generation_id)

    async def stay(self) -> None:
        """Tell the client that its messages are still wanted; after long silence it would leave."""
        await self.call_thread(self._ask)

    async def _ask(self) -> None:
        await self._ensure_consumer().getmany(timeout_ms=0)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Look for nothing: what has not been fetched here is no fault."""


class BulkConsumer(Consumer):
    """Faust's consumer, whose messages a :class:`PartitionReader` fetches."""

    _thread: _GroupThread
    _starts: dict[TP, int | None] | None = None
    """Where each partition goes on; another object after each change of the group."""

    def _new_consumer_thread(self) -> _GroupThread:
        return _GroupThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Give all partitions back."""
        self._starts = None
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        """Go on where the group's last acknowledgement was."""
        self._starts = None
        await super().perform_seek()
        known = self._read_offset
        self._starts = {tp: known[tp] for tp in self.assignment() if tp in known}

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch and deliver until Faust stops; Faust runs it as its fetcher."""
        servers = server_list(self.transport.url, Transport.default_port)
        reader = _ReaderThread(",".join(servers), f"{self.app.conf.id}.reader")
        placed: dict[TP, int | None] | None = None
        stayed_at = time.monotonic()
        try:
            while not (self.should_stop or fetcher.should_stop):
                if time.monotonic() - stayed_at >= _STAY_S:
                    await self._thread.stay()
                    stayed_at = time.monotonic()
                starts = self._starts
                if not starts or not self.flow_active:
                    placed = None
                    await asyncio.sleep(_LOOK_S)
                    continue
                if placed is not starts:
                    await reader.place(starts)
                    placed = starts
                messages = await reader.read()
                if not await self._deliver(messages, starts):
                    # What was not delivered is fetched again.
                    placed = None
        except asyncio.CancelledError:
            if not self.transport.app.should_stop:
                raise
        finally:
            reader.close()

    async def _deliver(self, messages: Iterable[Message], starts: dict[TP, int | None]) -> bool:
        """Put messages into the queues of who reads their topics; False where the group changed.

        An event's value is the message.
        """
        generation = self.app.consumer_generation_id
        queues = {topic: channel.queue for channel in self.app.topics for topic in channel.topics}
        for message in messages:
            queue = queues[message.topic]
            while self._reads_from(starts) and queue.full():
                await asyncio.sleep(_ROOM_S)
            if not self._reads_from(starts):
                return False
            tp = TP(message.topic, message.partition)
            expected = starts.get(tp)
            if expected and message.offset > expected:
                # Retention was faster. What is missing counts as acknowledged.
                await self._add_gap(tp, expected, message.offset - 1)
            starts[tp] = message.offset + 1
            queue.put_nowait(self._event(message, tp, generation))
        return True

    def _reads_from(self, starts: dict[TP, int | None]) -> bool:
        return self.flow_active and self._starts is starts

    def _event(self, message: Message, tp: TP, generation: int) -> Any:
        # What Faust keeps of it is its place, for the acknowledgement.
        place = ConsumerMessage(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=message.arrived_at / 1000,
            timestamp_type=1,
            headers=None,
            key=None,
            value=None,
            checksum=None,
            tp=tp,
            generation_id=generation,
        )
        place.incref()
        return self.app.create_event(None, message, None, place)


class BulkTransport(Transport):
    """Kafka as Faust reads it, by that consumer."""

    Consumer = BulkConsumer


class _ReaderThread:
    """A reader in a thread of its own."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._reader = PartitionReader(bootstrap, name)

    async def place(self, starts: dict[TP, int | None]) -> None:
        await self._call(self._reader.place, starts)

    async def read(self) -> list[Message]:
        read = partial(self._reader.read, gather_s=_GATHER_S)
        messages: list[Message] = await self._call(read)
        return messages

    def close(self) -> None:
        """Leave the broker once a read that is under way has ended."""
        self._thread.submit(self._reader.close)
        self._thread.shutdown(wait=False)

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


async def take_all(stream: Any, most: int) -> list[Any]:
    """Wait for a message of a stream, and return it with those that have come with it.

    Those from before the group was given away last are left out: they come again.
    """
    app, queue = stream.app, stream.channel.queue
    events = [await queue.get()]
    while len(events) < most and not queue.empty():
        events.append(queue.get_nowait())
    generation = app.consumer_generation_id
    if not app.flow_control.is_active():
        return []
    return [event for event in events if event.message.generation_id == generation]
