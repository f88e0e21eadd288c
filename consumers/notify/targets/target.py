"""What every kind of target is: settings that a person gives, and something that sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self
from uuid import UUID

from pydantic import SecretStr

from consumers.api.shapes.routing import Document
from consumers.notify.guard import Guard
from consumers.notify.message import Message
from schemas.errors import Rejected


class Gone(Rejected):
    """The target is no more and will never be again: it is removed."""


class Target(Protocol):
    """One target, opened; its messages come one at a time."""

    async def send(self, message: Message) -> None:
        """Send, and return once the other side has taken it.

        Raises:
            Retryable: it did not answer; the same message will come again.
            Rejected: it will never take this message.
            Gone: it is no more.
        """

    async def attend(self) -> None:
        """Keep up what has to be kept up (a connection, a sign of life) until cancelled.

        Returns at once where there is nothing. An error that it raises is shown with the target,
        and it is called again after a while.
        """

    async def close(self) -> None:
        """Let go of everything."""


class TargetSettings(Document):
    """The settings of one kind of target; fields of type ``SecretStr`` are shown to nobody."""

    kind: str

    def secrets(self) -> dict[str, str]:
        """Return the values of the secret fields that are set."""
        return {
            name: value.get_secret_value()
            for name, value in self
            if isinstance(value, SecretStr) and value.get_secret_value()
        }

    def shown(self) -> dict[str, Any]:
        """Return the other fields, as JSON holds them."""
        hidden = {name for name, value in self if isinstance(value, SecretStr)}
        return self.model_dump(mode="json", exclude=hidden)

    def after(self, old: TargetSettings, now: datetime) -> Self:
        """Return these settings as they follow upon others: a secret that is left out stays."""
        kept = {
            name: value
            for name, value in old
            if isinstance(value, SecretStr) and getattr(self, name, value) is None
        }
        return self.model_copy(update=kept)

    def address(self) -> str:
        """Return the host that a user named; empty where there is none."""
        return ""

    def check(self) -> None:
        """Insist on what only the whole can tell, secrets kept from before included.

        Raises:
            Rejected: something is missing.
        """


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What targets stand on besides their own settings."""

    guard: Guard
    smtp_url: str = ""
    mail_from: str = ""
    public_url: str = ""
    vapid_private_key: str = ""
    """PEM."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Which target is opened, with what."""

    target_id: UUID
    name: str
    settings: TargetSettings
    surroundings: Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of target."""

    name: str
    settings: type[TargetSettings]
    open: Callable[[Opening], Target]
    collects: bool = True
    """Whether several events may come as one message: digests, summaries of a rate limit."""
    resident: bool = False
    """Whether it is attended to also while nothing is sent."""
    states: tuple[str, ...] = ()
    """States of events that it has to know besides those that a route names."""
    personal: bool = False
    """A user's own, not one that an administrator names."""


class Plain:
    """A target that keeps nothing up."""

    async def attend(self) -> None:
        """Keep nothing up."""

    async def close(self) -> None:
        """Let go of nothing."""


def with_secrets(
    kind: Kind, config: Mapping[str, Any], secrets: Mapping[str, str]
) -> TargetSettings:
    """Return settings put together again from what is shown and what is not.

    Raises:
        Rejected: they are not settings of this kind any more.
    """
    try:
        return kind.settings.model_validate({**config, **secrets})
    except ValueError as error:
        raise Rejected(
            f"the stored settings are none of a {kind.name}: write them anew", reason="bad-settings"
        ) from error
