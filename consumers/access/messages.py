"""Ways to reach a person: mail through an SMTP server, short messages through a gateway's webhook."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
import httpx

from infra.runtime.settings import Settings
from schemas.errors import Fatal, Retryable

TIMEOUT_S = 15.0
_PORTS = {"smtp": 25, "smtps": 465}
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class TextMessages(Protocol):
    """A port to phones."""

    async def send(self, phone: str, text: str) -> None:
        """Hand a short message over.

        Raises:
            Retryable: the gateway did not take it.
        """


class Webhook:
    """An SMS gateway that takes a JSON document ``{"to": "+49...", "text": "..."}`` by POST."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, phone: str, text: str) -> None:
        """Hand a short message over.

        Raises:
            Retryable: the gateway did not take it.
        """
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
                answer = await client.post(self._url, json={"to": phone, "text": text})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The address may hold the gateway's credentials.
            raise Retryable(
                f"the SMS gateway does not answer ({type(error).__name__}): see SIGHTLINE_SMS_URL"
            ) from None
        if not answer.is_success:
            raise Retryable(f"the SMS gateway answers {answer.status_code}: see SIGHTLINE_SMS_URL")


class Mailer:
    """An SMTP server; nothing is kept open between mails."""

    def __init__(self, url: str, sender: str) -> None:
        """Read the address ``smtp://user:password@host:port`` or ``smtps://``.

        Raises:
            Fatal: it is none.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise Fatal("SIGHTLINE_SMTP_URL is no smtp://user:password@host:port or smtps://")
        self._host = parts.hostname
        self._port = port or _PORTS[parts.scheme]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._implicit = parts.scheme == "smtps"
        self._sender = sender

    async def send(self, to: str, subject: str, text: str) -> None:
        """Hand a mail over.

        Raises:
            Retryable: the server did not take it.
        """
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = make_msgid(domain="sightline.invalid")
        # Answers by machines (out of office) are not wanted: RFC 3834.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._implicit,
                start_tls=self._start_tls(),
                tls_context=ssl.create_default_context(),
                timeout=TIMEOUT_S,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Retryable(
                f"the mail server does not take a mail ({type(error).__name__}): "
                "see SIGHTLINE_SMTP_URL"
            ) from None

    def _start_tls(self) -> bool | None:
        if self._implicit or self._host in _LOOPBACK:
            return False
        # None: where the server offers it. A password goes over no network in the clear.
        return True if self._user is not None else None


@dataclass(frozen=True, slots=True)
class Messenger:
    """The ways that this cloud has; None where one is not set."""

    mail: Mailer | None
    phone: TextMessages | None

    @classmethod
    def from_settings(cls, settings: Settings) -> Messenger:
        """Read the addresses.

        Raises:
            Fatal: one cannot be read.
        """
        mail = Mailer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
        return cls(mail, Webhook(settings.sms_url) if settings.sms_url else None)
