"""Which ID tokens are believed: OpenID Connect Core 3.1.3.7, one fault at a time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr

from consumers.access.oidc import Provider, read_providers, verified_claims
from schemas.errors import Fatal, Rejected

SECRET = "the client's secret, which is no key of the provider's"
PROVIDER = Provider(
    name="acme",
    issuer="https://id.example",
    client_id="sightline",
    client_secret=SecretStr(SECRET),
    organisation="acme",
    domains=("Acme.example",),
)
KEY = RSAKey.generate_key(2048, {"kid": "one"})
KEYS = {"keys": [KEY.as_dict(private=False)]}
NONCE = "of this login"


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {
        "iss": PROVIDER.issuer,
        "aud": PROVIDER.client_id,
        "sub": "248289761001",
        "iat": now,
        "exp": now + 300,
        "nonce": NONCE,
        "email": "Somebody@acme.example",
        "email_verified": True,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def signed(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    return jwt.encode(
        {"alg": algorithm, "kid": "one"}, claims(**changes), key, algorithms=[algorithm]
    )


def believed(token: str) -> Any:
    return verified_claims(PROVIDER, token, KEYS, nonce=NONCE)


def test_a_good_token_is_believed() -> None:
    found = believed(signed())
    assert (found.subject, found.mail) == ("248289761001", "somebody@acme.example")
    assert PROVIDER.speaks_for(found.mail)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"azp": "another"},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\x00b"},
        {"sub": "x" * 256},
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"iat": None},
        {"nonce": "of another login"},
        {"nonce": None},
    ],
)
def test_a_fault_in_the_claims_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        believed(signed(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": None},
        {"email": "no address"},
    ],
)
def test_an_address_that_is_not_verified_is_none(changes: dict[str, Any]) -> None:
    assert believed(signed(**changes)).mail is None


def test_another_key_is_refused() -> None:
    with pytest.raises(Rejected):
        believed(signed(RSAKey.generate_key(2048, {"kid": "one"})))


def test_the_clients_secret_signs_nothing() -> None:
    with pytest.raises(Rejected):
        believed(signed(OctKey.import_key(SECRET), "HS256"))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."])
def test_what_is_no_signed_token_is_refused(token: str) -> None:
    with pytest.raises(Rejected):
        believed(token)


def test_addresses_of_other_domains_are_not_its_own() -> None:
    for mail in ("x@other.example", "x@acme.example.other", "x@sub.acme.example"):
        assert not PROVIDER.speaks_for(mail)


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "{}",
        '[{"name": "x"}]',
        json.dumps([{**PROVIDER.model_dump(mode="json"), "client_secret": SECRET, "more": 1}]),
        json.dumps(
            [
                {
                    **PROVIDER.model_dump(mode="json"),
                    "client_secret": SECRET,
                    "issuer": "http://id.example",
                }
            ]
        ),
    ],
)
def test_bad_settings_are_told_without_their_secrets(text: str) -> None:
    with pytest.raises(Fatal) as raised:
        read_providers(text)
    assert "SIGHTLINE_OIDC" in str(raised.value) and SECRET not in str(raised.value)


def test_good_settings_are_read() -> None:
    given = {**PROVIDER.model_dump(mode="json"), "client_secret": SECRET}
    found = read_providers(json.dumps([given]))
    assert found["acme"].client_secret.get_secret_value() == SECRET
    assert read_providers("") == {}
