from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from consumers.notify.http import Answer, judge
from consumers.notify.targets.mail import server
from consumers.notify.targets.registry import KINDS
from consumers.notify.targets.sia import SiaSettings
from consumers.notify.targets.target import with_secrets
from consumers.notify.targets.webhook import WebhookSettings
from schemas.errors import Backpressure, Fatal, Rejected, Retryable

NOW = datetime(2026, 11, 28, tzinfo=UTC)
OLD, NEW = "an old secret, long enough", "a new secret, long enough"
EXAMPLES: dict[str, dict[str, Any]] = {
    "webhook": {"url": "https://hooks.example/x", "secret": OLD},
    "web_push": {
        "endpoint": "https://push.example/s3cr3t",
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
    "mqtt": {"host": "broker.example", "username": "us", "password": OLD},
    "mail": {"to": ["Guard@example.com"]},
    "sia": {"host": "centre.example", "port": 7700, "account": "12AB", "key": "00" * 16},
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_settings_are_stored_in_two_parts_and_put_together_again(name: str) -> None:
    kind, example = KINDS[name], EXAMPLES[name]
    settings = kind.settings.model_validate(example)
    settings.check()
    shown, secrets = settings.shown(), settings.secrets()
    assert with_secrets(kind, shown, secrets) == settings
    for secret in secrets.values():
        assert secret not in str(shown) and secret not in repr(settings)
    with pytest.raises(Rejected):
        with_secrets(kind, {"kind": "another"}, {})


def test_every_kind_is_shown_here() -> None:
    assert EXAMPLES.keys() == KINDS.keys()


def test_a_replaced_secret_signs_for_a_while() -> None:
    def webhook(**changes: Any) -> WebhookSettings:
        return WebhookSettings.model_validate({"url": "https://hooks.example", **changes})

    old = webhook(secret=OLD)
    kept = webhook().after(old, NOW)
    assert kept.secret == old.secret and kept.previous_secret is None
    rotated = webhook(secret=NEW, rotation_s=60).after(old, NOW)
    assert rotated.previous_secret == old.secret
    assert rotated.rotates_until == NOW + timedelta(seconds=60)
    again = webhook(rotation_s=60).after(rotated, NOW + timedelta(hours=1))
    assert again.previous_secret == old.secret and again.rotates_until == rotated.rotates_until


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *[(status, None) for status in (200, 204)],
        *[(status, Rejected) for status in (100, 301, 400, 404)],
        *[(status, Retryable) for status in (408, 425, 429, 500, 503)],
    ],
)
def test_an_answer_is_success_a_reason_to_wait_or_the_end(
    status: int, error: type[Exception] | None
) -> None:
    answer = Answer(status, "why", 0.0)
    if error is None:
        judge(answer, "it")
        return
    with pytest.raises(error, match=str(status)):
        judge(answer, "it")


def test_a_receiver_may_ask_for_time() -> None:
    with pytest.raises(Backpressure) as asked:
        judge(Answer(429, "", 17.0), "it")
    assert asked.value.retry_after_s == 17.0


def test_the_mail_server_stands_in_one_address() -> None:
    found = server("smtps://us%40x:p%2Fw@mail.example")
    assert (found["port"], found["use_tls"]) == (465, True)
    assert (found["username"], found["password"]) == ("us@x", "p/w")
    for wrong in ("", "http://x", "smtp://", "smtp://x:99999", "mail.example"):
        with pytest.raises(Fatal) as error:
            server(wrong)
        assert "SIGHTLINE_SMTP_URL" in str(error.value)


@pytest.mark.parametrize("key", ["00", "zz" * 16, "00" * 17, " " + "00" * 16, "00 " * 16])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises((Rejected, ValidationError)):
        SiaSettings.model_validate({**EXAMPLES["sia"], "key": key}).check()
