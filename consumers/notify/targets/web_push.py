"""Web push (RFC 8030, 8291, 8292): a user's browser, reached through its maker's push service."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from typing import Annotated, Literal
from urllib.parse import urlsplit

import orjson
from py_vapid import Vapid02
from pydantic import Field, SecretStr, field_validator
from pywebpush import WebPusher, WebPushException

from consumers.notify.guard import Guard
from consumers.notify.http import Poster, judge
from consumers.notify.message import Message
from consumers.notify.targets.target import Gone, Kind, Opening, TargetSettings
from consumers.notify.targets.webhook import web_address
from schemas.errors import Rejected

TTL_S = 6 * 3600
TOKEN_S = 3600
MAX_PAYLOAD_BYTES = 3500
"""Encrypted it must stay below the 4,096 that push services have to take."""
_URGENCY = {"alert": "high", "warning": "normal", "info": "low"}
_POINT_BYTES, _AUTH_BYTES = 65, 16


class WebPushSettings(TargetSettings):
    """What a browser's ``PushSubscription`` holds. Its endpoint is a secret: who has it may push."""

    kind: Literal["web_push"] = "web_push"
    endpoint: Annotated[SecretStr, Field(max_length=2000)]
    p256dh: Annotated[SecretStr, Field(max_length=200)]
    auth: Annotated[SecretStr, Field(max_length=100)]
    service: str = Field(
        "", max_length=255, description="Host of the push service; told, not asked."
    )

    def address(self) -> str:
        """Return the push service's host."""
        return urlsplit(self.endpoint.get_secret_value()).hostname or ""

    @field_validator("endpoint")
    @classmethod
    def _web(cls, value: SecretStr) -> SecretStr:
        web_address(value.get_secret_value())
        return value

    @field_validator("p256dh")
    @classmethod
    def _point(cls, value: SecretStr) -> SecretStr:
        found = _decoded(value.get_secret_value())
        if len(found) != _POINT_BYTES or found[0] != 4:
            raise ValueError("is no uncompressed point of P-256 in base64url")
        return value

    @field_validator("auth")
    @classmethod
    def _salt(cls, value: SecretStr) -> SecretStr:
        if len(_decoded(value.get_secret_value())) != _AUTH_BYTES:
            raise ValueError("is not 16 bytes in base64url")
        return value


class WebPush:
    """One browser."""

    def __init__(
        self, settings: WebPushSettings, guard: Guard, vapid_private_key: str, subject: str
    ) -> None:
        self._settings = settings
        self._vapid = Vapid02.from_pem(vapid_private_key.encode())
        self._subject = subject
        self._poster = Poster(guard)

    async def send(self, message: Message) -> None:
        """Encrypt for this browser and hand over to its push service."""
        endpoint = self._settings.endpoint.get_secret_value()
        headers = {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S),
            "Urgency": _urgency(message),
            "Authorization": self._authorization(endpoint),
        }
        if message.occurrence is not None:
            # What a browser that is away has not seen yet, the event's next state replaces.
            headers["Topic"] = _topic(message.occurrence.event_id)
        answer = await self._poster.post(endpoint, self._encrypted(message), headers)
        if answer.status in (404, 410):
            raise Gone("the browser has given its subscription up", reason="gone")
        judge(answer, "the push service")

    async def attend(self) -> None:
        """Keep nothing up."""

    async def close(self) -> None:
        """Let the connections go."""
        await self._poster.close()

    def _encrypted(self, message: Message) -> bytes:
        keys = {
            "p256dh": self._settings.p256dh.get_secret_value(),
            "auth": self._settings.auth.get_secret_value(),
        }
        info = {"endpoint": self._settings.endpoint.get_secret_value(), "keys": keys}
        try:
            return bytes(WebPusher(info).encode(payload(message), "aes128gcm")["body"])
        except (WebPushException, ValueError) as error:
            raise Rejected(
                "the browser's key is no point of P-256: subscribe again", reason="bad-key"
            ) from error

    def _authorization(self, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "sub": self._subject,
            "exp": str(int(time.time()) + TOKEN_S),
        }
        return str(self._vapid.sign(claims)["Authorization"])


def payload(message: Message) -> bytes:
    """Return what the page's service worker gets, small enough for every push service."""
    about = message.occurrence
    shown = {
        "id": str(message.delivery_id),
        "kind": message.kind,
        "state": message.state,
        "title": message.title[:300],
        "body": message.text,
        "url": message.url,
        "snapshot_url": message.snapshot_url,
        "event_id": about.event_id if about else None,
        "severity": about.severity if about else None,
        "tag": about.event_id if about else message.kind,
    }
    for characters in (2000, 500, 0):
        shown["body"] = message.text[:characters]
        packed = orjson.dumps(shown)
        if len(packed) <= MAX_PAYLOAD_BYTES:
            return packed
    return orjson.dumps({**shown, "title": message.title[:100], "snapshot_url": None})


def _urgency(message: Message) -> str:
    return _URGENCY.get(message.occurrence.severity if message.occurrence else "", "normal")


def _topic(event_id: str) -> str:
    digest = hashlib.sha256(event_id.encode()).digest()[:24]
    return base64.urlsafe_b64encode(digest).decode()


def _decoded(text: str) -> bytes:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return base64.b64decode(padded, b"-_", validate=True)
    except (UnicodeError, binascii.Error):
        raise ValueError("is no base64url") from None


def _open(opening: Opening) -> WebPush:
    assert isinstance(opening.settings, WebPushSettings)
    around = opening.surroundings
    https = around.public_url.startswith("https://")
    subject = around.public_url if https else f"mailto:{_bare(around.mail_from)}"
    return WebPush(opening.settings, around.guard, around.vapid_private_key, subject)


def _bare(sender: str) -> str:
    return sender.rpartition("<")[2].strip("> ") or "sightline@localhost"


KIND = Kind(name="web_push", settings=WebPushSettings, open=_open, personal=True)
