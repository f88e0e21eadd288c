"""Passwords, tokens, sealed texts, mail servers' addresses."""

from __future__ import annotations

import asyncio

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.access.mail_addresses import clean_mail
from consumers.access.messages import Mailer
from consumers.access.passwords import check_password, hashed, outdated, verified
from consumers.access.sealing import Sealer
from consumers.access.tokens import csrf_token, new_token
from schemas.errors import Fatal, Rejected

PASSWORD = "a long enough passphrase"
SECRET = "a secret of tests, long enough to seal with"


def test_a_password_is_verified_by_its_argon2id_hash() -> None:
    kept = asyncio.run(hashed(PASSWORD))
    assert kept.startswith("$argon2id$")
    assert asyncio.run(verified(PASSWORD, kept))
    assert not asyncio.run(verified(PASSWORD + " ", kept))
    assert not asyncio.run(verified(PASSWORD, None))
    assert not asyncio.run(verified(PASSWORD, "no hash"))
    assert not outdated(kept)
    assert outdated(argon2.PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD))


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "x" * 257, "somebody@example.com"]
)
def test_plain_passwords_are_refused(password: str) -> None:
    with pytest.raises(Rejected):
        check_password(password, "somebody@example.com")


@given(st.text(max_size=200).filter(lambda text: text.isprintable()))
def test_what_is_sealed_opens_with_its_secret_alone(text: str) -> None:
    sealed = Sealer(SECRET).seal(text)
    assert Sealer(SECRET).open(sealed) == text
    with pytest.raises(Fatal):
        Sealer(SECRET + "!").open(sealed)


def test_a_keyed_hash_tells_purposes_and_secrets_apart() -> None:
    one = Sealer(SECRET)
    assert one.mac("a", "bc") == one.mac("a", "bc") != one.mac("ab", "c")
    assert one.mac("a", "bc") != Sealer(SECRET + "!").mac("a", "bc")
    with pytest.raises(Fatal):
        Sealer("short")


def test_a_csrf_token_belongs_to_its_session() -> None:
    token = new_token()
    assert csrf_token(token) == csrf_token(token) != csrf_token(new_token())
    assert token not in csrf_token(token)


@pytest.mark.parametrize("url", ["", "http://x", "smtp://", "smtp://h:port", "mail.example"])
def test_an_address_of_no_mail_server_is_fatal_and_told_without_it(url: str) -> None:
    with pytest.raises(Fatal) as raised:
        Mailer(url, "sightline@example.com")
    assert "SIGHTLINE_SMTP_URL" in str(raised.value)


@pytest.mark.parametrize("mail", ["", "x", "x@", "@x", "a b@x", "a@b\n", "a@b@c", "é@x", "x" * 255])
def test_what_is_no_address_is_refused(mail: str) -> None:
    with pytest.raises(ValueError, match="no mail address"):
        clean_mail(mail)


def test_addresses_are_of_one_case() -> None:
    assert clean_mail("Some.Body+x@Example.COM") == "some.body+x@example.com"
