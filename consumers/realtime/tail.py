"""The thread that reads Kafka for all clients of the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

import structlog
from confluent_kafka import KafkaException

from consumers.realtime.arrivals import Arrival, arrival, in_order
from consumers.realtime.kafka import Tail, topic_ids
from consumers.realtime.kinds import SOURCES, Kind
from consumers.realtime.positions import Positions, covers, passed
from infra.runtime.metrics import RECORDS_IN
from schemas.errors import SightlineError

BACK = 500
"""Messages of each partition before the end, so that clients of a process that was started anew
go on without Kafka being read back for each of them."""
_AT_ONCE = 50
_WAIT_S = 0.5
_RETRY_S = 2.0
LOG = structlog.get_logger("realtime")


class Receiver(Protocol):
    """Who is handed what is read, on the event loop."""

    def begin(self, topic_ids: dict[Kind, str], start: Positions, ends: Positions) -> None:
        """Hear where reading begins, for the first time or anew."""
        ...

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Be handed messages in the order in which they were read."""
        ...


class TailThread:
    """Reads until it is stopped; whatever goes wrong, it begins anew."""

    def __init__(self, bootstrap: str, receiver: Receiver) -> None:
        """Prepare; to be called on the event loop that ``receiver`` works on."""
        self._bootstrap = bootstrap
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="realtime-tail", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    async def stop(self) -> None:
        """Stop reading, and wait until that has ended."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except (SightlineError, KafkaException) as error:
                LOG.warning("events cannot be read", error=str(error))
                self._stopping.wait(_RETRY_S)

    def _follow(self) -> None:
        ids = topic_ids(self._bootstrap)
        tail = Tail(self._bootstrap, BACK)
        try:
            self._hand(partial(self._receiver.begin, ids, tail.start, tail.ends))
            for arrivals in self._batches(tail):
                self._hand(partial(self._receiver.take, arrivals))
        finally:
            tail.close()

    def _batches(self, tail: Tail) -> Iterator[list[Arrival]]:
        # A client reads one partition after the other; what is there at the start is told in the
        # order in which it arrived.
        position: Positions = tail.start
        earlier: list[Arrival] = []
        while not covers(position, tail.ends) and not self._stopping.is_set():
            for one in self._read(tail):
                position = passed(position, one.kind, one.partition, one.offset)
                earlier.append(one)
        earlier = in_order(earlier)
        for first in range(0, len(earlier), _AT_ONCE):
            yield earlier[first : first + _AT_ONCE]
        while not self._stopping.is_set():
            yield self._read(tail)

    def _read(self, tail: Tail) -> list[Arrival]:
        arrivals = [arrival(message) for message in tail.read(_AT_ONCE, _WAIT_S)]
        for one in arrivals:
            RECORDS_IN.labels(SOURCES[one.kind].topic).inc()
        return in_order(arrivals)

    def _hand(self, call: Callable[[], None]) -> None:
        # One batch at a time is under way: the event loop sets the pace.
        done = threading.Event()

        def on_loop() -> None:
            try:
                call()
            finally:
                done.set()

        self._loop.call_soon_threadsafe(on_loop)
        while not done.wait(_WAIT_S):
            if self._stopping.is_set():
                return
