"""MQTT: states that stay, availability, and discovery by Home Assistant.

    PREFIX/status                       online | offline (the broker says so when we are gone)
    PREFIX/SITE/CAMERA/RULE/state       ON while an event is open, OFF after
    PREFIX/SITE/CAMERA/RULE/open        which are, JSON: this process remembers by it, too
    PREFIX/SITE/CAMERA/RULE/event       the event, JSON
    PREFIX/SITE/CAMERA/last             the camera's last event, JSON
    PREFIX/SITE/CAMERA/snapshot         link to its picture, good for a short while
    PREFIX/messages                     tests, JSON

All but the links and the tests are retained, so that whoever subscribes later knows the state.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Annotated, Any, Literal
from uuid import UUID

import aiomqtt
import orjson
from pydantic import Field, SecretStr, StringConstraints, field_validator

from consumers.api.texts import Line
from consumers.notify.discovery import announcements, safe
from consumers.notify.guard import Guard
from consumers.notify.message import Message
from consumers.notify.occurrence import Occurrence
from consumers.notify.targets.target import Kind, Opening, TargetSettings
from schemas.errors import Rejected, Retryable

CONNECT_S, RECALL_S, PUBLISH_S, LEAVE_S = 10.0, 5.0, 10.0, 2.0
KEEPALIVE_S = 30
MAX_REMEMBERED = 10_000
MAX_OPEN_MS = 24 * 3600 * 1000
"""An event that began longer before another one is taken for over: its end was never told."""
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_/-]{1,100}$")]


class MqttSettings(TargetSettings):
    """A broker, and under which topics to write."""

    kind: Literal["mqtt"] = "mqtt"
    host: Host
    port: int = Field(0, ge=0, le=65535, description="0: 8883 with TLS, 1883 without.")
    tls: bool = True
    ca_certificate: str = Field(
        "", max_length=100_000, description="PEM; empty: the public authorities."
    )
    username: Line | None = None
    password: Annotated[SecretStr | None, Field(max_length=1024)] = None
    prefix: Prefix = "sightline"
    discovery_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_/-]{0,100}$")] = Field(
        "homeassistant", description="Empty: announce nothing to Home Assistant."
    )

    def address(self) -> str:
        """Return the broker's host."""
        return self.host

    @field_validator("ca_certificate")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=value)
            except (ssl.SSLError, ValueError, TypeError):
                raise ValueError("is no certificate in PEM") from None
        return value


class Mqtt:
    """One broker; the connection is kept up by :meth:`attend`."""

    def __init__(self, settings: MqttSettings, guard: Guard, target_id: UUID) -> None:
        self._settings = settings
        self._guard = guard
        self._target_id = target_id
        self._client: aiomqtt.Client | None = None
        self._connected = asyncio.Event()
        self._announced: set[str] = set()
        self._open: dict[str, dict[str, int]] = {}
        """By topic, when each event that is open began, UTC ms."""

    async def attend(self) -> None:
        """Connect, say that we are there, and stay until the connection is lost."""
        settings = self._settings
        port = settings.port or (8883 if settings.tls else 1883)
        address = await self._guard.resolve(settings.host, port)
        status = f"{settings.prefix}/status"
        try:
            async with aiomqtt.Client(
                address,
                port,
                username=settings.username,
                password=settings.password.get_secret_value() if settings.password else None,
                identifier=f"sightline-{self._target_id}",
                will=aiomqtt.Will(status, "offline", qos=1, retain=True),
                tls_context=_context(settings) if settings.tls else None,
                timeout=CONNECT_S,
                keepalive=KEEPALIVE_S,
            ) as client:
                self._announced.clear()
                self._open.clear()
                self._client = client
                await client.subscribe([(f"{settings.prefix}/+/+/+/open", 1), (status, 1)])
                await client.publish(status, "online", qos=1, retain=True)
                # Not every broker lets a client read.
                late = asyncio.get_running_loop().call_later(RECALL_S, self._connected.set)
                try:
                    async for message in client.messages:
                        if message.retain:
                            self._recall(str(message.topic), message.payload)
                        elif message.topic.matches(status):
                            # Our own word, behind what the broker kept.
                            self._connected.set()
                except asyncio.CancelledError:
                    # A farewell in order: else the broker would say nothing of our leaving.
                    async with asyncio.timeout(LEAVE_S):
                        await client.publish(status, "offline", qos=1, retain=True)
                    raise
                finally:
                    late.cancel()
                    self._client = None
                    self._connected.clear()
        except (aiomqtt.MqttError, OSError, ssl.SSLError, TimeoutError, ValueError) as error:
            raise Retryable(f"the broker {settings.host} does not answer: {error}") from error

    async def send(self, message: Message) -> None:
        """Publish what the message changes; each publication is acknowledged."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connected.wait()
        except TimeoutError:
            raise Retryable(f"there is no connection to {self._settings.host}") from None
        client = self._client
        if client is None:
            raise Retryable(f"the connection to {self._settings.host} was lost")
        try:
            for topic, payload, retain in self._publications(message):
                await client.publish(topic, payload, qos=1, retain=retain, timeout=PUBLISH_S)
        except (aiomqtt.MqttError, OSError, TimeoutError) as error:
            raise Retryable(f"{self._settings.host} did not take it: {error}") from error
        except ValueError as error:
            raise Rejected(f"the message is none for MQTT: {error}", reason="bad-topic") from error

    async def close(self) -> None:
        """Let go of nothing: the connection ends with :meth:`attend`."""

    def _publications(self, message: Message) -> list[tuple[str, bytes, bool]]:
        about = message.occurrence
        body = orjson.dumps(_body(message))
        prefix = self._settings.prefix
        if about is None:
            return [(f"{prefix}/messages", body, False)]
        camera = f"{prefix}/{safe(about.site)}/{safe(about.camera)}"
        rule = f"{camera}/{safe(about.rule)}"
        found = [
            (f"{rule}/event", body, True),
            (f"{camera}/last", body, True),
            *self._states(rule, about, message.state),
        ]
        if message.snapshot_url:
            found.append((f"{camera}/snapshot", message.snapshot_url.encode(), False))
        return [*self._discovery(about), *found]

    def _discovery(self, about: Occurrence) -> list[tuple[str, bytes, bool]]:
        settings = self._settings
        if not settings.discovery_prefix:
            return []
        fresh = [
            (topic, orjson.dumps(document), True)
            for topic, document in announcements(about, settings.prefix, settings.discovery_prefix)
            if topic not in self._announced
        ]
        if len(self._announced) > MAX_REMEMBERED:
            self._announced.clear()
        self._announced.update(topic for topic, _, _ in fresh)
        return fresh

    def _states(self, rule: str, about: Occurrence, state: str) -> list[tuple[str, bytes, bool]]:
        # Several events of a rule may be open at once; it is over when the last one is.
        topic = f"{rule}/open"
        if len(self._open) > MAX_REMEMBERED:
            self._open.clear()
        after = {
            event_id: opened_at
            for event_id, opened_at in self._open.get(topic, {}).items()
            if event_id != about.event_id and about.opened_at - opened_at < MAX_OPEN_MS
        }
        if state != "closed":
            after[about.event_id] = about.opened_at
        self._open[topic] = after
        return [
            # An empty payload is kept by no broker.
            (topic, orjson.dumps(after) if after else b"", True),
            (f"{rule}/state", b"ON" if after else b"OFF", True),
        ]

    def _recall(self, topic: str, payload: object) -> None:
        """Take over what was open when we last wrote, unless we know better by now."""
        if not topic.endswith("/open") or topic in self._open or not isinstance(payload, bytes):
            return
        try:
            found = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return
        if isinstance(found, dict):
            self._open[topic] = {
                event_id: at for event_id, at in found.items() if isinstance(at, int)
            }


def _body(message: Message) -> dict[str, Any]:
    about = message.occurrence
    return {
        "id": str(message.delivery_id),
        "state": message.state,
        "title": message.title,
        "text": message.text,
        "url": message.url,
        "opened_at": about.opened_at if about else None,
        "event": about.document() if about else None,
    }


class _PinnedContext(ssl.SSLContext):
    """Checks the certificate against the name, though the connection goes to an address."""

    name: str

    def wrap_socket(self, *args: Any, **keys: Any) -> ssl.SSLSocket:
        keys["server_hostname"] = self.name
        return super().wrap_socket(*args, **keys)


def _context(settings: MqttSettings) -> ssl.SSLContext:
    context = _PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = settings.host
    if settings.ca_certificate:
        context.load_verify_locations(cadata=settings.ca_certificate)
    else:
        context.load_default_certs()
    return context


def _open(opening: Opening) -> Mqtt:
    assert isinstance(opening.settings, MqttSettings)
    return Mqtt(opening.settings, opening.surroundings.guard, opening.target_id)


KIND = Kind(
    name="mqtt",
    settings=MqttSettings,
    open=_open,
    collects=False,
    resident=True,
    states=("opened", "closed"),
)
