"""Alarm centres: SIA-DCS tokens of ANSI/SIA DC-09 over TCP."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from consumers.api.shapes.routing import Document, Severity
from consumers.api.texts import Name, Slug
from consumers.notify.guard import Guard
from consumers.notify.message import Message
from consumers.notify.targets import dc09
from consumers.notify.targets.mqtt import Host
from consumers.notify.targets.target import Kind, Opening, TargetSettings
from schemas.errors import Rejected, Retryable

ANSWER_S, CONNECT_S = 10.0, 5.0
MAX_ANSWER_BYTES = 4096
MAX_LINK_CHARACTERS = 255
TEST_CODE = "RX"
"""Manual test (DC-03)."""
Hexadecimal = Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{1,6}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class CodeOf(Document):
    """Which code of DC-03 an event is reported by."""

    rules: list[Name] = Field([], max_length=1000, description="Empty: any rule.")
    severities: list[Severity] = Field([], max_length=3, description="Empty: any severity.")
    code: Code = Field(description="Such as BA, burglary alarm.")
    restore: Code | None = Field(None, description="Such as BR; null: the end is not reported.")


class ZoneOf(Document):
    """Which area and zone a camera is to the alarm centre."""

    site: Slug
    camera: Name
    area: int = Field(1, ge=0, le=99)
    zone: int = Field(ge=0, le=9999)


class SiaSettings(TargetSettings):
    """A receiver, and the account under which it knows us."""

    kind: Literal["sia"] = "sia"
    host: Host
    port: int = Field(ge=1, le=65535)
    account: Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{3,16}$")]
    receiver: Hexadecimal | Literal[""] = Field("", description="R of the frame; empty: left out.")
    line: Hexadecimal = Field("0", description="L of the frame.")
    key: Annotated[SecretStr | None, Field(max_length=64)] = Field(
        None, description="32, 48 or 64 hexadecimal digits: encrypts with AES."
    )
    supervise_s: int = Field(
        0, ge=0, le=86_400, description="A null message so often, as a sign of life; 0: none."
    )
    codes: list[CodeOf] = Field(
        [], max_length=200, description="The first that fits counts; without one BA and BR."
    )
    zones: list[ZoneOf] = Field(
        [], max_length=5000, description="A camera that is not listed is area 1, zone 0."
    )

    def address(self) -> str:
        """Return the receiver's host."""
        return self.host

    def check(self) -> None:
        """Insist on a key that AES can take, if there is one.

        Raises:
            Rejected: it is none.
        """
        self.aes_key()

    def aes_key(self) -> bytes:
        """Return the key; empty where nothing is encrypted.

        Raises:
            Rejected: it is no key of AES.
        """
        digits = self.key.get_secret_value() if self.key else ""
        try:
            key = bytes.fromhex(digits)
        except ValueError:
            key = b"?"
        if len(key) not in (0, 16, 24, 32) or len(digits) != 2 * len(key):
            raise Rejected("the key is not 32, 48 or 64 hexadecimal digits", reason="bad-key")
        return key


class Sia:
    """One receiver; a connection for each message, one message at a time."""

    def __init__(self, settings: SiaSettings, guard: Guard) -> None:
        self._settings = settings
        self._guard = guard
        self._turn = asyncio.Lock()
        self._ahead = timedelta()
        """How far the receiver's clock is ahead of ours, as it told."""
        self._address = dc09.Address(
            account=settings.account,
            receiver=settings.receiver,
            line=settings.line,
            key=settings.aes_key(),
        )

    async def send(self, message: Message) -> None:
        """Report the event, and return once the receiver has acknowledged it."""
        content = content_of(message, self._settings)
        if content is not None:
            await self._report("SIA-DCS", dc09.sequence_of(message.number), content)

    async def attend(self) -> None:
        """Send null messages at the agreed interval."""
        if not self._settings.supervise_s:
            return
        while True:
            await self._report("NULL", 0, "]")
            await asyncio.sleep(self._settings.supervise_s)

    async def close(self) -> None:
        """Let go of nothing."""

    async def _report(self, token: str, sequence: int, content: str) -> None:
        async with self._turn:
            answer = await self._exchange(token, sequence, content)
            if answer.token == "NAK" and answer.at is not None:
                # Our time is too far off for it: it tells its own, and we go by that.
                self._ahead = answer.at - datetime.now(UTC)
                answer = await self._exchange(token, sequence, content)
        if answer.token == "ACK" and answer.sequence == sequence:
            return
        if answer.token == "DUH":
            raise Rejected("the receiver cannot process this message (DUH)", reason="duh")
        raise Retryable(f"the receiver answered {answer.token} {answer.sequence:04d}")

    async def _exchange(self, token: str, sequence: int, content: str) -> dc09.Frame:
        host, port = self._settings.host, self._settings.port
        now = datetime.now(UTC) + self._ahead
        frame = dc09.build(token, sequence, content, self._address, now, os.urandom(dc09.BLOCK))
        address = await self._guard.resolve(host, port)
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    address, port, limit=MAX_ANSWER_BYTES
                )
            try:
                async with asyncio.timeout(ANSWER_S):
                    writer.write(frame)
                    await writer.drain()
                    told = await reader.readuntil(dc09.CR)
            finally:
                writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            why = str(error) or type(error).__name__
            raise Retryable(f"the receiver {host} does not answer: {why}") from error
        except asyncio.LimitOverrunError as error:
            raise Retryable(f"the receiver {host} answers no frame of DC-09") from error
        try:
            return dc09.read(told, self._address.key)
        except Rejected as error:
            raise Retryable(f"the receiver {host} answers: {error}") from error


def content_of(message: Message, settings: SiaSettings) -> str | None:
    """Return what is reported, behind the first ``[``; None where nothing is.

    After the code come, as extended data, the time, the text, the site, the place and the link.
    """
    about = message.occurrence
    if about is None:
        return f"#{settings.account}|Nri1/{TEST_CODE}000][I{dc09.clean(message.title)}]"
    code = next((one for one in settings.codes if _fits(one, about.rule, about.severity)), None)
    opening, restore = (code.code, code.restore) if code else ("BA", "BR")
    word = restore if message.state == "closed" else opening
    if word is None or message.state == "updated":
        return None
    area, zone = next(
        (
            (one.area, one.zone)
            for one in settings.zones
            if (one.site, one.camera) == (about.site, about.camera)
        ),
        (1, 0),
    )
    happened = datetime.fromtimestamp(about.at / 1000, UTC)
    parts = [
        f"#{settings.account}|Nri{area}/{word}{zone:03d}]",
        f"[H{happened:%H:%M:%S,%m-%d-%Y}]",
        f"[I{dc09.clean(message.title)}]",
        f"[S{dc09.clean(about.site_name)}]",
        f"[L{dc09.clean(about.camera)}]",
    ]
    if len(message.url) <= MAX_LINK_CHARACTERS and message.url == dc09.clean(message.url, 1000):
        parts.append(f"[V{message.url}]")
    return "".join(parts)


def _fits(one: CodeOf, rule: str, severity: str) -> bool:
    return (not one.rules or rule in one.rules) and (
        not one.severities or severity in one.severities
    )


def _open(opening: Opening) -> Sia:
    assert isinstance(opening.settings, SiaSettings)
    return Sia(opening.settings, opening.surroundings.guard)


KIND = Kind(
    name="sia", settings=SiaSettings, open=_open, collects=False, resident=True, states=("closed",)
)
