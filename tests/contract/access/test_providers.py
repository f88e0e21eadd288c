"""Logging in through an OpenID Connect provider, run as a real server."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import psycopg
import pytest
from werkzeug.serving import make_server

from consumers.access.permissions import Role
from consumers.access.tokens import csrf_token
from tests.access_helpers import account, api_settings, serving
from tests.contract.access.test_people import invited
from tests.contract.access.test_second_factors import later, prove
from tests.contract.access.world import World

# Of authlib, which the provider of these tests is made of in an older way.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PATH = "/api/v1/session/providers"
DOMAIN = "acme.example"


class InsistsOnPkce:
    """Before the provider, which does not ask for it: no code without a challenge, no token without
    what answers it.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.challenges: set[str] = set()
        self.requests: list[dict[str, list[str]]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/oauth2/authorize":
            query = parse_qs(environ["QUERY_STRING"])
            self.requests.append(query)
            if query.get("code_challenge_method") != ["S256"]:
                return self._refuse(start_response)
            self.challenges.add(query["code_challenge"][0])
        if environ["PATH_INFO"] == "/oauth2/token":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = _Again(body)
            verifier = parse_qs(body.decode()).get("code_verifier", [""])[0]
            digest = hashlib.sha256(verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if challenge not in self.challenges:
                return self._refuse(start_response)
        return self._app(environ, start_response)

    def _refuse(self, start_response: Any) -> list[bytes]:
        start_response("400 Bad Request", [("Content-Type", "text/plain")])
        return [b"no PKCE"]


class _Again:
    """A body that can be read once more."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        taken = self._body if size < 0 else self._body[:size]
        self._body = self._body[len(taken) :]
        return taken


class Issuer:
    """The provider: people log in at it with a click."""

    def __init__(self, url: str, gate: InsistsOnPkce) -> None:
        self.url = url
        self.gate = gate

    def person(self, subject: str, **claims: object) -> None:
        answer = httpx.put(f"{self.url}/users/{subject}", json=claims)
        assert answer.is_success, answer.text

    def click(self, url: str, subject: str) -> httpx.Response:
        """Log in at the page that the browser was sent to; the answer sends it back."""
        return httpx.post(url, data={"sub": subject})


@contextmanager
def issuer() -> Iterator[Issuer]:
    gate = InsistsOnPkce(oidc_provider_mock.app())
    server = make_server("127.0.0.1", 0, gate, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Issuer(f"http://127.0.0.1:{server.server_port}", gate)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def provider() -> Iterator[Issuer]:
    with issuer() as running:
        yield running


@pytest.fixture(scope="module")
def organisation(dsn: str) -> str:
    return account(dsn).slug


@pytest.fixture(scope="module")
def here(world: World, provider: Issuer, organisation: str) -> Iterator[World]:
    """The same world, with a provider for one organisation."""
    given = {
        "name": "acme",
        "issuer": provider.url,
        "client_id": "sightline",
        "client_secret": "a secret: with & odd % signs",
        "organisation": organisation,
        "role": "operator",
        "domains": [DOMAIN],
    }
    away = {**given, "name": "away", "issuer": "http://127.0.0.1:9"}
    settings = api_settings(world.dsn, oidc=json.dumps([given, away]), smtp_url=world.smtp_url)
    with serving(settings) as url:
        yield replace(world, url=url)


def begin(browser: httpx.Client, **body: str) -> httpx.Response:
    return browser.post(f"{PATH}/acme", json=body)


def log_in(
    here: World, provider: Issuer, subject: str, **body: str
) -> tuple[httpx.Client, httpx.Response]:
    browser = here.browser()
    begun = begin(browser, **body)
    assert begun.status_code == 200, begun.text
    back = provider.click(begun.json()["url"], subject)
    return browser, come_back(browser, back)


def come_back(browser: httpx.Client, back: httpx.Response) -> httpx.Response:
    """Follow the provider's answer to where the API listens in this test."""
    assert back.status_code == 302, back.text
    url = urlsplit(back.headers["location"])
    return browser.get(f"{url.path}?{url.query}")


def name() -> str:
    return f"p-{uuid.uuid4().hex[:10]}"


def test_the_providers_are_listed_without_secrets(here: World, organisation: str) -> None:
    answer = httpx.get(here.url + PATH)
    assert answer.json()[0] == {"name": "acme", "organisation": organisation}
    assert "secret" not in answer.text


def test_a_verified_address_of_its_domain_is_let_in_and_linked(
    here: World, provider: Issuer, organisation: str
) -> None:
    subject, mail = name(), f"{name()}@{DOMAIN}"
    provider.person(subject, email=mail, email_verified=True, name="Somebody")
    browser, landed = log_in(here, provider, subject, landing="/events")
    assert landed.status_code == 303 and landed.headers["location"] == "/events"
    now = browser.get("/api/v1/session").json()
    assert now["name"] == mail
    (membership,) = now["organisations"]
    assert (membership["slug"], membership["role"]) == (organisation, "operator")
    # The identity is linked: it is the same person under another address.
    provider.person(subject, email=f"{name()}@elsewhere.example", email_verified=False)
    again, _ = log_in(here, provider, subject)
    assert again.get("/api/v1/session").json()["name"] == mail


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": "somebody@elsewhere.example", "email_verified": True},
        {"email": "somebody@acme.example@elsewhere.example", "email_verified": True},
    ],
)
def test_an_address_that_it_does_not_speak_for_is_nobodys(
    here: World, provider: Issuer, claims: dict[str, object]
) -> None:
    subject = name()
    provider.person(subject, **{"email": f"{name()}@{DOMAIN}", **claims})
    browser, landed = log_in(here, provider, subject)
    assert landed.headers["location"] == "/#problem=not-linked"
    assert browser.get("/api/v1/session").status_code == 401


def test_a_user_is_linked_by_an_invitation_and_keeps_the_second_factor(
    here: World, provider: Issuer
) -> None:
    owner, guest = account(here.dsn), account(here.dsn)
    totp, _ = here.logged_in(guest).enrol()
    token = invited(here, owner, guest.mail, "viewer")
    subject = name()
    provider.person(subject, email="nobody@nowhere.example")
    browser, landed = log_in(here, provider, subject, invitation=token)
    assert landed.headers["location"] == "/#second-factor"
    assert browser.get("/api/v1/session").status_code == 401
    browser.headers["Sightline-CSRF"] = csrf_token(browser.cookies["sightline_session"])
    assert prove(browser, "authenticator", later(totp)).status_code == 200
    now = browser.get("/api/v1/session").json()
    assert now["name"] == guest.mail and len(now["organisations"]) == 2


def test_an_invitation_of_somebody_else_is_refused(here: World, provider: Issuer) -> None:
    subject = name()
    provider.person(subject, email=f"{name()}@{DOMAIN}", email_verified=True)
    log_in(here, provider, subject)
    token = invited(here, account(here.dsn), f"{name()}@example.com", "viewer")
    _, landed = log_in(here, provider, subject, invitation=token)
    assert landed.headers["location"] == "/#problem=other-person"


def test_a_removed_member_does_not_come_back_by_the_provider(here: World, provider: Issuer) -> None:
    subject, mail = name(), f"{name()}@{DOMAIN}"
    provider.person(subject, email=mail, email_verified=True)
    log_in(here, provider, subject)
    with psycopg.connect(here.dsn) as connection:
        connection.execute(
            "DELETE FROM memberships m USING users u WHERE u.user_id = m.user_id AND u.mail = %s",
            [mail],
        )
    _, landed = log_in(here, provider, subject)
    assert landed.headers["location"] == "/#problem=no-organisation"


def test_a_disabled_user_is_not_let_in(here: World, provider: Issuer) -> None:
    subject, mail = name(), f"{name()}@{DOMAIN}"
    provider.person(subject, email=mail, email_verified=True)
    log_in(here, provider, subject)
    with psycopg.connect(here.dsn) as connection:
        connection.execute("UPDATE users SET disabled_at = now() WHERE mail = %s", [mail])
    _, landed = log_in(here, provider, subject)
    assert landed.headers["location"] == "/#problem=disabled"


def test_a_login_ends_in_the_browser_that_began_it_and_once(here: World, provider: Issuer) -> None:
    subject = name()
    provider.person(subject, email=f"{name()}@{DOMAIN}", email_verified=True)
    victim, thief = here.browser(), here.browser()
    back = provider.click(begin(thief).json()["url"], subject)
    assert come_back(victim, back).status_code == 422
    begin(victim)
    assert come_back(victim, back).status_code == 422
    assert come_back(thief, back).status_code == 303
    assert come_back(thief, back).status_code == 422


def test_a_nonce_of_another_login_is_refused(here: World, provider: Issuer) -> None:
    subject = name()
    provider.person(subject, email=f"{name()}@{DOMAIN}", email_verified=True)
    browser = here.browser()
    url = begin(browser).json()["url"]
    nonce = parse_qs(urlsplit(url).query)["nonce"][0]
    back = provider.click(url.replace(nonce, "another"), subject)
    assert come_back(browser, back).headers["location"] == "/#problem=bad-token"


def test_a_code_that_was_not_given_is_refused(here: World, provider: Issuer) -> None:
    browser = here.browser()
    state = parse_qs(urlsplit(begin(browser).json()["url"]).query)["state"][0]
    landed = browser.get(f"{PATH}/return", params={"state": state, "code": "made-up"})
    assert landed.headers["location"] == "/#problem=bad-code"


def test_a_refusal_of_the_provider_lands(here: World, provider: Issuer) -> None:
    browser = here.browser()
    url = begin(browser, landing="/login").json()["url"]
    denied = httpx.post(url, data={"action": "deny"})
    query = parse_qs(urlsplit(denied.headers["location"]).query)
    state = parse_qs(urlsplit(url).query)["state"][0]
    landed = browser.get(f"{PATH}/return", params={"state": state, "error": query["error"][0]})
    assert landed.headers["location"] == "/login#problem=provider-refused"


@pytest.mark.parametrize("landing", ["//evil.example", "https://evil.example", "/\\evil", "x"])
def test_nobody_is_sent_to_another_host(here: World, landing: str) -> None:
    assert begin(here.browser(), landing=landing).status_code == 422


def test_every_login_has_a_state_a_nonce_and_a_challenge_of_its_own(
    here: World, provider: Issuer
) -> None:
    seen = [parse_qs(urlsplit(begin(here.browser()).json()["url"]).query) for _ in range(3)]
    for word in ("state", "nonce", "code_challenge"):
        assert len({query[word][0] for query in seen}) == 3


def test_an_unknown_or_absent_provider_is_told(here: World) -> None:
    assert here.browser().post(f"{PATH}/nobody", json={}).status_code == 404
    assert here.browser().post(f"{PATH}/away", json={}).status_code == 503


def test_the_role_given_is_the_one_that_was_set(here: World, provider: Issuer) -> None:
    subject = name()
    provider.person(subject, email=f"{name()}@{DOMAIN}", email_verified=True)
    browser, _ = log_in(here, provider, subject)
    now = browser.get("/api/v1/session").json()
    assert now["organisations"][0]["role"] == Role.OPERATOR
    assert "users:write" not in now["permissions"]
