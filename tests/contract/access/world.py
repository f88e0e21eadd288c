"""What stands around the API in these tests: a mail server, an SMS gateway, people with browsers."""

from __future__ import annotations

import email
import email.policy
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import httpx
import pyotp
import pytest
from aiosmtpd.controller import Controller

from consumers.api import context
from consumers.api.publishing import Publisher
from consumers.documents import rollouts, steering
from consumers.realtime import hub
from schemas.errors import Retryable
from tests.access_helpers import PASSWORD, Account

WAIT_S = 20.0
T = TypeVar("T")


class Mailbox:
    """Keeps the mails of a real SMTP server on loopback."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuses:
            return "451 not now"
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(parsed)
        return "250 OK"

    def newest(self, to: str, *, after: int = 0) -> str:
        """Wait for the newest mail to somebody, behind the first ``after`` mails; its text."""

        def look() -> str | None:
            found = [one for one in self.mails[after:] if one["To"] == to]
            return str(found[-1].get_content()) if found else None

        return waited(look, f"no mail to {to}")


@dataclass
class Phones:
    """Keeps what the SMS gateway was handed."""

    url: str = ""
    messages: list[dict[str, str]] = field(default_factory=list)
    status: int = 200


@contextmanager
def mail_server() -> Iterator[tuple[str, Mailbox]]:
    mailbox = Mailbox()
    # Port 0 would be taken for "not given" by the controller's own start.
    controller = Controller(mailbox, hostname="127.0.0.1", port=_free_port())
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{controller.port}", mailbox
    finally:
        controller.stop()


@contextmanager
def sms_gateway() -> Iterator[Phones]:
    phones = Phones()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            phones.messages.append(json.loads(body))
            self.send_response(phones.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    phones.url = f"http://127.0.0.1:{server.server_port}/send"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield phones
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class World:
    """The API and what it talks to."""

    url: str
    dsn: str
    smtp_url: str
    mailbox: Mailbox
    phones: Phones

    def browser(self, **headers: str) -> httpx.Client:
        """A browser with no cookies yet."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def logged_in(self, who: Account) -> Browser:
        """A browser that has the account's session."""
        client = self.browser(**{"Sightline-CSRF": who.session["Sightline-CSRF"]})
        client.cookies.set("sightline_session", who.token)
        return Browser(client, who)

    def log_in(self, mail: str, password: str = PASSWORD) -> httpx.Client:
        """A browser that logged in by password."""
        client = self.browser()
        answer = client.post("/api/v1/session", json={"mail": mail, "password": password})
        assert answer.status_code == 200, answer.text
        carry_csrf(client, answer)
        return client


@dataclass
class Browser:
    """A logged-in browser."""

    client: httpx.Client
    who: Account

    def enrol(self) -> tuple[pyotp.TOTP, list[str]]:
        """Enrol an authenticator, and return it with the recovery codes."""
        begun = self.client.post("/api/v1/session/authenticator")
        assert begun.status_code == 200, begun.text
        totp = pyotp.parse_uri(begun.json()["link"])
        assert isinstance(totp, pyotp.TOTP)
        confirmed = self.client.post(
            "/api/v1/session/authenticator/confirm", json={"code": totp.now()}
        )
        assert confirmed.status_code == 200, confirmed.text
        return totp, confirmed.json()["codes"]


def nothing_else_answers(patch: pytest.MonkeyPatch) -> None:
    """Let Kafka and Mongo, which are not there, be missed at once instead of after seconds."""

    async def away(*_: object, **__: object) -> None:
        raise Retryable("there is no Kafka in this test")

    def gone(*_: object, **__: object) -> None:
        raise Retryable("there is no Kafka in this test")

    patch.setattr(Publisher, "send", away)
    patch.setattr(context, "MONGO_TIMEOUT_MS", 1)
    patch.setattr(rollouts.SharedTopic, "ask", away)
    patch.setattr(steering, "read_all", gone)
    patch.setattr(hub, "START_S", 0.1)


def carry_csrf(client: httpx.Client, answer: httpx.Response) -> None:
    client.headers["Sightline-CSRF"] = answer.json()["csrf_token"]


def code_in(text: str) -> str:
    """The code in a message."""
    found = re.search(r"\b\d{6}\b", text)
    assert found is not None, text
    return found[0]


def token_in(text: str) -> str:
    """What stands behind the hash sign of the link in a mail."""
    found = re.search(r"#([A-Za-z0-9_-]{43})", text)
    assert found is not None, text
    return found[1]


def waited(look: Callable[[], T | None], what: str) -> T:
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(what)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
