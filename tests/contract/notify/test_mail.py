"""Mail against a real SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from consumers.notify.targets import mail
from consumers.notify.targets.mail import MailSettings, MailTarget
from infra.runtime.settings import Settings
from schemas.errors import Rejected, Retryable
from tests.contract.consumers.consumer_parts import eventually
from tests.contract.notify.conftest import Start
from tests.contract.notify.house import House
from tests.unit.consumers.notify.notices import message

USER, PASSWORD = "sightline", "p@ss/word"
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


class Post:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.unknown = "nobody@example.com"
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=_free_port(),
            auth_required=True,
            auth_require_tls=False,
            authenticator=self._knows,
        )

    async def handle_RCPT(  # noqa: N802 (named by aiosmtpd)
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self.unknown:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 (named by aiosmtpd)
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            found = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(found, EmailMessage)
            self.mails.append(found)
        return self.answer

    def start(self) -> None:
        self._controller.start()
        self.url = f"smtp://{USER}:p%40ss%2Fword@127.0.0.1:{self._controller.port}"

    def stop(self) -> None:
        self._controller.stop()

    @staticmethod
    def _knows(server: Any, session: Any, envelope: Any, kind: str, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (
            USER.encode(),
            PASSWORD.encode(),
        )
        return AuthResult(success=right)


@pytest.fixture
def post() -> Iterator[Post]:
    running = Post()
    running.start()
    yield running
    running.stop()


def _free_port() -> int:
    # The controller connects to the port it was given, so 0 is none to give.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(post: Post, *to: str, url: str = "") -> None:
    settings = MailSettings.model_validate({"to": list(to) or ["guard@example.com"]})
    target = MailTarget(settings, url or post.url, "Sightline <alerts@example.com>")
    asyncio.run(target.send(message()))


def test_a_mail_is_text_and_html_with_links(post: Post) -> None:
    send(post)
    (sent,) = post.mails
    assert sent["Subject"] == "Alert: intrusion at The depot, gate: person"
    assert sent["Message-ID"].endswith("@example.com>")
    plain, rich = sent.get_body(("plain",)), sent.get_body(("html",))
    assert plain is not None and rich is not None
    text, html = plain.get_content(), rich.get_content()
    for part in (text, html):
        assert "https://cloud.example/events/e-1" in part
        assert "https://cloud.example/evidence/signed" in part
        assert "2023-11-14 23:13:20 CET" in part and "Level: 2 of 4" in part
    send(post)
    assert post.mails[1]["Message-ID"] == sent["Message-ID"]


def test_names_that_a_site_sends_are_no_markup_and_no_headers(post: Post) -> None:
    settings = MailSettings.model_validate({"to": ["guard@example.com"]})
    target = MailTarget(settings, post.url, "alerts@example.com")
    evil = message(rule="<b>x</b>\r\nBcc: all@example.com", class_name="<script>")
    asyncio.run(target.send(evil))
    (sent,) = post.mails
    rich = sent.get_body(("html",))
    assert rich is not None and "<b>" not in rich.get_content()
    assert sent["Bcc"] is None


def test_what_the_server_says_decides(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Rejected, match="refused"):
        send(post, post.unknown)
    with pytest.raises(Rejected, match="1 of 2"):
        send(post, post.unknown, "guard@example.com")
    post.answer = "554 spam"
    with pytest.raises(Rejected, match="spam"):
        send(post)
    post.answer = "451 later"
    with pytest.raises(Retryable, match="later"):
        send(post)
    # Told that the password is wrong, this server falls silent.
    monkeypatch.setattr(mail, "TIMEOUT_S", 1.0)
    with pytest.raises(Retryable) as wrong:
        send(post, url=post.url.replace("word@", "sword@"))
    assert "sword" not in str(wrong.value)
    with pytest.raises(Retryable):
        send(post, url="smtp://127.0.0.1:9")


def test_the_process_sends_mail(post: Post, house: House, start: Start, settings: Settings) -> None:
    house.route(house.target("mail", to=["guard@example.com"]))
    start(smtp_url=post.url, mail_from="alerts@example.com")
    house.happen()
    (sent,) = eventually(lambda: list(post.mails))
    assert sent["To"] == "guard@example.com"
