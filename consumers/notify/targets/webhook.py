"""Webhooks: CloudEvents 1.0 in structured JSON, signed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from cloudevents.core.bindings.http import to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import Field, SecretStr, field_validator

from consumers.api.texts import clean_line
from consumers.notify.guard import Guard
from consumers.notify.http import Poster, judge
from consumers.notify.message import Message
from consumers.notify.signing import SIGNATURE_HEADER, sign
from consumers.notify.targets.target import Kind, Opening, TargetSettings
from schemas.errors import Rejected

TYPE = "io.sightline.notification"
MIN_SECRET_CHARACTERS = 16
IDEMPOTENCY_HEADER = "Idempotency-Key"


class WebhookSettings(TargetSettings):
    """A URL of another system, and the secret by which it knows us."""

    kind: Literal["webhook"] = "webhook"
    url: str = Field(
        max_length=2000, description="https://, or http:// to addresses that the operator allows."
    )
    secret: Annotated[SecretStr | None, Field(max_length=256)] = Field(
        None, description="At least 16 characters; left out in a change: it stays."
    )
    previous_secret: Annotated[SecretStr | None, Field(max_length=256)] = Field(
        None, description="Signs too until `rotates_until`; set by itself when `secret` changes."
    )
    rotates_until: datetime | None = None
    rotation_s: int = Field(
        86_400, ge=0, le=30 * 86_400, description="How long a replaced secret goes on signing."
    )

    @field_validator("url")
    @classmethod
    def _web(cls, value: str) -> str:
        return web_address(value)

    def address(self) -> str:
        """Return the host of the URL."""
        return urlsplit(self.url).hostname or ""

    def after(self, old: TargetSettings, now: datetime) -> Self:
        """Keep the secret, or let the one that it replaces go on signing for a while."""
        if not isinstance(old, WebhookSettings):
            return self
        replaced = self.secret is not None and self.secret != old.secret
        return self.model_copy(
            update={
                "secret": self.secret or old.secret,
                "previous_secret": old.secret if replaced else old.previous_secret,
                "rotates_until": now + timedelta(seconds=self.rotation_s)
                if replaced
                else old.rotates_until,
            }
        )

    def check(self) -> None:
        """Insist on a secret that cannot be guessed.

        Raises:
            Rejected: it is missing or too short.
        """
        given = self.secret.get_secret_value() if self.secret else ""
        if len(given) < MIN_SECRET_CHARACTERS or "\0" in given:
            raise Rejected(
                f"a webhook needs a secret of at least {MIN_SECRET_CHARACTERS} characters",
                reason="no-secret",
            )


class Webhook:
    """One URL."""

    def __init__(self, settings: WebhookSettings, guard: Guard, source: str) -> None:
        self._settings = settings
        self._source = source
        self._poster = Poster(guard)

    async def send(self, message: Message) -> None:
        """Post the message as a CloudEvent; 2xx is success."""
        sent = to_structured(cloud_event(message, self._source), JSONFormat())
        now_s = int(time.time())
        headers = {
            **sent.headers,
            SIGNATURE_HEADER: sign(sent.body, self._secrets(now_s), now_s),
            IDEMPOTENCY_HEADER: str(message.delivery_id),
        }
        answer = await self._poster.post(self._settings.url, sent.body, headers)
        judge(answer, "the webhook")

    async def attend(self) -> None:
        """Keep nothing up."""

    async def close(self) -> None:
        """Let the connections go."""
        await self._poster.close()

    def _secrets(self, now_s: int) -> list[str]:
        found = [self._settings.secret.get_secret_value()] if self._settings.secret else []
        until = self._settings.rotates_until
        if self._settings.previous_secret and until and now_s < until.timestamp():
            found.append(self._settings.previous_secret.get_secret_value())
        return found


def cloud_event(message: Message, source: str) -> CloudEvent:
    """Return a message as a CloudEvent; its id is the same at every try."""
    about = message.occurrence
    attributes: dict[str, Any] = {
        "id": str(message.delivery_id),
        "source": source or "sightline",
        "type": f"{TYPE}.{message.kind}",
        "time": datetime.fromtimestamp(message.sent_at / 1000, UTC),
        "datacontenttype": "application/json",
    }
    if about is not None:
        attributes["subject"] = f"{about.site}/{about.camera}/{about.event_id}"
    data = {
        "number": message.number,
        "attempt": message.attempt,
        "state": message.state,
        "title": message.title,
        "text": message.text,
        "url": message.url,
        "snapshot_url": message.snapshot_url,
        "count": message.count,
        "event": about.document() if about else None,
        "events": [one.document() for one in message.items],
    }
    return CloudEvent(attributes, data)


def web_address(value: str) -> str:
    """Return a URL of the web without user and password.

    Raises:
        ValueError: it is none.
    """
    value = clean_line(value)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError("is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("is no http:// or https:// URL")
    if "@" in parts.netloc:
        raise ValueError("holds a user or password: that is no place for secrets")
    if not value.isascii() or " " in value:
        raise ValueError("holds characters that must be escaped in a URL")
    return value


def _open(opening: Opening) -> Webhook:
    assert isinstance(opening.settings, WebhookSettings)
    around = opening.surroundings
    return Webhook(opening.settings, around.guard, around.public_url)


KIND = Kind(name="webhook", settings=WebhookSettings, open=_open)
