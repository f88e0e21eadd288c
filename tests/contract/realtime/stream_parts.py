"""What the tests of streams share: a site that sends, a process that serves, clients of it."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import httpx_sse
from websockets.sync.client import ClientConnection, connect

from consumers.api.app import build
from consumers.api.routes import stream
from consumers.realtime.server import StreamingServer
from infra.runtime.kafka import RecordProducer
from infra.runtime.settings import Settings
from schemas.records import Event, Health, Verdict

PAGE = "https://console.example"
WAIT_S = 30.0
AT = 1_790_000_000_000


@dataclass
class Site:
    """Writes records as a site does."""

    name: str
    producer: RecordProducer
    sent: list[Event] = field(default_factory=list)

    def event(self, event_id: str | None = None, **fields: Any) -> Event:
        """Send one event and wait until Kafka has it."""
        event = self.queue(event_id, **fields)
        self.producer.flush()
        return event

    def queue(self, event_id: str | None = None, **fields: Any) -> Event:
        """Send one event; the producer is flushed by the caller."""
        event = Event(**{**_EVENT, "site": self.name, "event_id": event_id or new_id(), **fields})
        self.producer.send("up.events", event, key=event.event_id)
        self.sent.append(event)
        return event

    def verdict(self, **fields: Any) -> Verdict:
        """Send one verdict."""
        verdict = Verdict(**{**_VERDICT, "site": self.name, "candidate_id": new_id(), **fields})
        self.producer.send("up.verdicts", verdict, key=verdict.candidate_id)
        self.producer.flush()
        return verdict

    def health(self, camera: str, state: str, revision: int) -> Health:
        """Send one word on a camera."""
        health = Health(
            health_id=f"{self.name}/{camera}",
            site=self.name,
            kind="camera",
            name=camera,
            state=state,
            at=AT,
            frames=1,
            dropped=0,
            details="{}",
            revision=revision,
        )
        self.producer.send("up.health", health, key=health.health_id)
        self.producer.flush()
        return health


class Process:
    """A process that serves the API on a free port."""

    def __init__(self, settings: Settings) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.app = build(settings, modules=[stream.__name__])
        self._server = StreamingServer(self.app, log_level="warning")
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))

    def start(self) -> None:
        self._thread.start()
        for _ in range(int(WAIT_S * 50)):
            if self._server.started or not self._thread.is_alive():
                break
            self._thread.join(0.02)
        assert self._server.started, "the API does not start"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(WAIT_S)
        self._listener.close()
        assert not self._thread.is_alive(), "the API does not stop"

    def socket(
        self,
        headers: Mapping[str, str],
        *,
        origin: str | None = None,
        ahead: int | None = None,
        **parameters: Any,
    ) -> ClientConnection:
        """Open a WebSocket that takes up to ``ahead`` messages from the network unasked."""
        query = urlencode(parameters, doseq=True)
        return connect(
            f"ws://{self.address}/api/v1/stream?{query}",
            additional_headers=dict(headers),
            origin=origin,  # type: ignore[arg-type]
            compression=None,
            open_timeout=WAIT_S,
            # Otherwise one that has not read everything would wait for the server's last word.
            close_timeout=1,
            max_queue=ahead,
        )

    @contextmanager
    def events(
        self, headers: Mapping[str, str], **parameters: Any
    ) -> Iterator[Iterator[httpx_sse.ServerSentEvent]]:
        """Open an event source."""
        url = f"http://{self.address}/api/v1/events/stream"
        with (
            httpx.Client(timeout=WAIT_S) as client,
            httpx_sse.connect_sse(
                client, "GET", url, headers=dict(headers), params=parameters
            ) as source,
        ):
            yield source.iter_sse()


@contextmanager
def process(settings: Settings) -> Iterator[Process]:
    running = Process(settings)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def new_id() -> str:
    return str(uuid.uuid4())


def read(client: ClientConnection, *kinds: str) -> dict[str, Any]:
    """Return the next message of one of these types; heartbeats are passed over."""
    while True:
        message: dict[str, Any] = json.loads(client.recv(WAIT_S))
        if message["type"] in kinds:
            return message
        assert message["type"] == "heartbeat", message


def take(events: Iterator[httpx_sse.ServerSentEvent], count: int) -> list[Any]:
    """Return the next so many events of a source, as (id, record)."""
    found: list[Any] = []
    while len(found) < count:
        one = next(events)
        if one.event == "event":
            found.append((one.id, one.json()))
    return found


_EVENT: dict[str, Any] = {
    "rule": "gate-crossed",
    "camera": "gate",
    "sensor": "line",
    "state": "opened",
    "revision": 1,
    "severity": "alert",
    "mode": "live",
    "group_key": "t1",
    "at": AT,
    "opened_at": AT,
    "triggers": 1,
    "tracks": '["t1"]',
    "class_name": "person",
    "score": 0.9,
    "verdict": "accepted",
    "config_version": 3,
    "model": "yolox",
    "model_version": "1",
    "provenance": '[{"candidate": "c1"}]',
}
_VERDICT: dict[str, Any] = {
    "camera": "gate",
    "rule": "gate-crossed",
    "sensor": "line",
    "matched_at": AT,
    "decided_at": AT + 1000,
    "verdict": "suppressed",
    "score": 0.4,
    "reasons": "[]",
    "revision": 1,
    "config_version": 3,
    "provenance": "{}",
}
