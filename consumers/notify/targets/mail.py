"""Mail, as text and HTML, through the operator's SMTP server."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib
from pydantic import Field

from consumers.api.texts import Mail
from consumers.notify.message import Message
from consumers.notify.targets.target import Kind, Opening, Plain, TargetSettings
from schemas.errors import Fatal, Rejected, Retryable

TIMEOUT_S = 15.0


class MailSettings(TargetSettings):
    """Who gets it."""

    kind: Literal["mail"] = "mail"
    to: list[Mail] = Field(min_length=1, max_length=20)


class MailTarget(Plain):
    """One list of addresses."""

    def __init__(self, settings: MailSettings, smtp_url: str, mail_from: str) -> None:
        self._settings = settings
        self._smtp_url = smtp_url
        self._from = mail_from

    async def send(self, message: Message) -> None:
        """Hand the mail to the server; its Message-ID is the same at every try."""
        if not self._smtp_url:
            raise Rejected(
                "this cloud sends no mail: its operator has to set SIGHTLINE_SMTP_URL",
                reason="no-mail",
            )
        mail = compose(message, self._from, self._settings.to)
        try:
            refused, _ = await aiosmtplib.send(mail, **server(self._smtp_url))
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise Rejected(
                f"every address was refused: {_said(error)}", reason="refused"
            ) from error
        except aiosmtplib.SMTPResponseException as error:
            if 500 <= error.code < 600 and not isinstance(
                error, aiosmtplib.SMTPAuthenticationError
            ):
                raise Rejected(f"the mail was refused: {_said(error)}", reason="refused") from error
            raise Retryable(f"the mail server does not take it now: {_said(error)}") from error
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise Retryable(f"the mail server does not answer: {_said(error)}") from error
        if refused:
            # Those who could be reached have it; to try again would send it to them twice.
            raise Rejected(
                f"{len(refused)} of {len(self._settings.to)} addresses were refused",
                reason="partly-refused",
            )


def compose(message: Message, sender: str, to: list[str]) -> EmailMessage:
    """Return the mail of a message."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Subject"] = message.title
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.sent_at / 1000, UTC))
    domain = sender.rpartition("@")[2].strip("> ") or "sightline"
    mail["Message-ID"] = f"<{message.delivery_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    links = [f"See it: {message.url}"]
    if message.snapshot_url:
        links.append(f"Picture: {message.snapshot_url}")
    mail.set_content("\n".join([message.text, "", *links, ""]))
    mail.add_alternative(_html(message), subtype="html")
    return mail


def server(smtp_url: str) -> dict[str, Any]:
    """Return how to reach the server of an address smtp://user:password@host:port or smtps://.

    Over smtp:// the connection is encrypted where the server offers it.

    Raises:
        Fatal: it is no such address.
    """
    try:
        parts = urlsplit(smtp_url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        # Without the address: it may hold a password.
        raise Fatal("SIGHTLINE_SMTP_URL is no smtp:// or smtps:// address: correct it")
    found: dict[str, Any] = {
        "hostname": parts.hostname,
        "port": port or (465 if parts.scheme == "smtps" else 587),
        "use_tls": parts.scheme == "smtps",
        "timeout": TIMEOUT_S,
    }
    if parts.username:
        found["username"] = unquote(parts.username)
        found["password"] = unquote(parts.password or "")
    return found


def _html(message: Message) -> str:
    lines = "<br>\n".join(escape(line) for line in message.text.splitlines())
    picture = ""
    if message.snapshot_url:
        picture = f'<p><a href="{escape(message.snapshot_url)}">Picture</a> (for a short while)</p>'
    return (
        '<!DOCTYPE html><html><body style="font-family: sans-serif">'
        f"<h2>{escape(message.title)}</h2><p>{lines}</p>{picture}"
        f'<p><a href="{escape(message.url)}">See it in Sightline</a></p></body></html>'
    )


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _open(opening: Opening) -> MailTarget:
    assert isinstance(opening.settings, MailSettings)
    around = opening.surroundings
    return MailTarget(opening.settings, around.smtp_url, around.mail_from)


KIND = Kind(name="mail", settings=MailSettings, open=_open)
