"""The newest frames of cameras that somebody looks at, out of the cloud's ``up.live``.

One reader for the process, which runs only while somebody looks. A viewer that is slow gets the newest
frame when it is ready for one; what came between is left out.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumers.sync.live import LIVE_TOPIC
from infra.runtime.kafka import no_answer, reading_client, to_message
from schemas.codec import decode_as
from schemas.errors import Backpressure, Rejected, Retryable
from schemas.records import Frame

LOOK_BACK_MS = 3_000
"""What came a moment before somebody looked is new to them."""
LINGER_S = 15.0
"""The reader goes on for so long after the last look: a page that asks for single pictures."""
MAX_VIEWERS = 256
TIMEOUT_S = 5.0
_QUEUED_KIB = 16_384
_LOG = structlog.get_logger("live")


@dataclass(slots=True)
class _Camera:
    """A camera that somebody looks at."""

    viewers: int = 0
    looked_s: float = 0.0
    """When somebody last did, on the monotonic clock."""
    newest: Frame | None = None
    arrived_at: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class LiveFrames:
    """Frames by camera, for the viewers of one process; its methods are for one event loop."""

    def __init__(self, bootstrap: str) -> None:
        """Read nothing yet."""
        self._bootstrap = bootstrap
        self._cameras: dict[str, _Camera] = {}
        self._starting = asyncio.Lock()
        self._going = threading.Lock()
        """Held while the reader is found to be there, or decides to end."""
        self._reader: threading.Thread | None = None
        self._ended = threading.Event()

    async def frames(self, site: str, camera: str) -> AsyncGenerator[Frame, None]:
        """Yield the newest frame of a camera whenever there is another, without an end.

        Raises:
            Retryable: Kafka does not answer.
            Backpressure: too many look already.
        """
        if sum(one.viewers for one in self._cameras.values()) >= MAX_VIEWERS:
            raise Backpressure("too many people look at cameras", retry_after_s=10)
        watched = self._cameras.setdefault(f"{site}/{camera}", _Camera())
        watched.viewers += 1
        try:
            await self._start()
            shown_at = time.time_ns() // 1_000_000 - LOOK_BACK_MS
            while True:
                watched.changed.clear()
                if watched.newest is not None and watched.arrived_at > shown_at:
                    shown_at = watched.arrived_at
                    yield watched.newest
                else:
                    await watched.changed.wait()
        finally:
            watched.viewers -= 1
            watched.looked_s = time.monotonic()

    async def close(self) -> None:
        """Stop reading."""
        self._ended.set()
        reader = self._reader
        if reader is not None:
            await asyncio.to_thread(reader.join)

    async def _start(self) -> None:
        async with self._starting:
            with self._going:
                if self._reader is not None:
                    return
            consumer = await asyncio.to_thread(_at_the_end, self._bootstrap)
            loop = asyncio.get_running_loop()
            self._reader = threading.Thread(
                target=self._read, args=(consumer, loop), name="live", daemon=True
            )
            self._reader.start()

    def _read(self, consumer: Consumer, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while self._goes_on():
                raw = consumer.poll(0.2)
                if raw is None:
                    continue
                error = raw.error()
                if error is not None:
                    # The client tries again by itself.
                    _LOG.warning("live frames are not read", error=error.str())
                    continue
                message = to_message(raw)
                if message.key is None or message.key not in self._cameras:
                    continue
                try:
                    frame = decode_as(Frame, message.value)
                except Rejected as refusal:
                    _LOG.warning("a live frame cannot be read", reason=refusal.reason)
                    continue
                if f"{frame.site}/{frame.camera}" == message.key:
                    loop.call_soon_threadsafe(self._take, message.key, frame, message.arrived_at)
        finally:
            consumer.close()

    def _goes_on(self) -> bool:
        with self._going:
            now_s = time.monotonic()
            cameras = list(self._cameras.values())
            looked = any(one.viewers or now_s - one.looked_s < LINGER_S for one in cameras)
            if not looked or self._ended.is_set():
                self._reader = None
            return self._reader is not None

    def _take(self, key: str, frame: Frame, arrived_at: int) -> None:
        now_s = time.monotonic()
        for name, one in list(self._cameras.items()):
            if not one.viewers and now_s - one.looked_s >= LINGER_S:
                del self._cameras[name]
        watched = self._cameras.get(key)
        if watched is not None and arrived_at > watched.arrived_at:
            watched.newest, watched.arrived_at = frame, arrived_at
            watched.changed.set()


def _at_the_end(bootstrap: str) -> Consumer:
    """Return a reader of all partitions from a moment ago.

    Raises:
        Retryable: Kafka does not answer, or the topic is not there.
    """
    consumer = reading_client(
        bootstrap,
        "sightline.api.live",
        {
            "auto.offset.reset": "latest",
            "fetch.wait.max.ms": 50,
            "queued.max.messages.kbytes": _QUEUED_KIB,
        },
    )
    try:
        described = consumer.list_topics(LIVE_TOPIC, timeout=TIMEOUT_S).topics[LIVE_TOPIC]
        if not described.partitions:
            raise Retryable(f"{LIVE_TOPIC} is not there: create it with `sightline topics create`")
        since_at = time.time_ns() // 1_000_000 - LOOK_BACK_MS
        places = [TopicPartition(LIVE_TOPIC, part, since_at) for part in described.partitions]
        consumer.assign(consumer.offsets_for_times(places, timeout=TIMEOUT_S))
    except KafkaException as error:
        consumer.close()
        raise Retryable(no_answer(bootstrap, error)) from error
    except Retryable:
        consumer.close()
        raise
    return consumer
