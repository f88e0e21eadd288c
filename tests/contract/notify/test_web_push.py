"""Web push: a browser's side, which decrypts, and a push service's, which checks who sends."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import Any

import http_ece
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from consumers.access.permissions import Role
from consumers.access.sealing import Sealer
from consumers.notify.stored import sealed
from consumers.notify.targets.web_push import WebPushSettings
from infra.runtime.settings import Settings
from tests.access_helpers import Account, account
from tests.contract.consumers.consumer_parts import eventually
from tests.contract.notify.conftest import Start
from tests.contract.notify.house import House
from tests.contract.notify.receivers import Got, Hook


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Browser:
    """A subscription's secrets."""

    key: ec.EllipticCurvePrivateKey
    auth: bytes

    @classmethod
    def new(cls) -> Browser:
        return cls(ec.generate_private_key(ec.SECP256R1()), os.urandom(16))

    def settings(self, endpoint: str) -> WebPushSettings:
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return WebPushSettings.model_validate(
            {"endpoint": endpoint, "p256dh": b64(point), "auth": b64(self.auth)}
        )

    def read(self, got: Got) -> Any:
        plain = http_ece.decrypt(
            got.body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"
        )
        return orjson.loads(plain)


def subscribe(house: House, settings: Settings, who: Account, endpoint: str) -> Browser:
    browser = Browser.new()
    made = browser.settings(endpoint)
    house.sql.execute(
        "INSERT INTO notify_targets (organisation_id, user_id, kind, name, config, secrets) "
        "VALUES (%s, %s, 'web_push', %s, '{\"kind\": \"web_push\"}', %s)",
        [
            *(house.organisation, who.user_id, b64(os.urandom(9))),
            sealed(made.secrets(), Sealer(settings.secret_key)),
        ],
    )
    return browser


def member(house: House, settings: Settings, sites: list[str] | None = None) -> Account:
    slug = house.one(
        "SELECT slug FROM organisations WHERE organisation_id = %s", house.organisation
    )["slug"]
    return account(settings.postgres_dsn, slug=slug, role=Role.VIEWER, sites=sites)


def test_a_browser_can_read_it_and_the_push_service_knows_who_sends(
    house: House, hook: Hook, start: Start, settings: Settings
) -> None:
    browser = subscribe(house, settings, member(house, settings), hook.url)
    house.route(everyone=True)
    start()
    event = house.happen()
    (got,) = hook.wait(1)
    shown = browser.read(got)
    assert shown["event_id"] == event.event_id and "intrusion" in shown["title"]
    assert shown["url"].startswith("https://cloud.example/")
    assert b"intrusion" not in got.body and len(got.body) <= 4096
    headers = got.headers
    assert (headers["urgency"], headers["content-encoding"]) == ("high", "aes128gcm")
    assert int(headers["ttl"]) > 0 and len(headers["topic"]) == 32
    # The signature is right, and for this service alone.
    assert Vapid02.verify(headers["authorization"])
    token = headers["authorization"].partition("t=")[2].partition(",")[0]
    claims = orjson.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["aud"] == hook.url.removesuffix("/hook")
    assert claims["sub"] == "https://cloud.example"


def test_a_user_hears_of_what_may_be_seen_and_is_named_or_not(
    house: House, hook: Hook, start: Start, settings: Settings
) -> None:
    named, other = member(house, settings), member(house, settings)
    limited = member(house, settings, sites=["elsewhere"])
    gone = member(house, settings)
    for who, path in ((named, "named"), (other, "other"), (limited, "limited"), (gone, "gone")):
        subscribe(house, settings, who, hook.url.replace("hook", path))
    house.sql.execute("DELETE FROM memberships WHERE user_id = %s", [gone.user_id])
    house.route(
        users=[str(named.user_id), str(limited.user_id), str(gone.user_id)],
        when={"rules": ["intrusion"]},
    )
    house.route(everyone=True, when={"rules": ["fire"]})
    house.sql.execute(
        "INSERT INTO notify_mutes (organisation_id, user_id, camera, site, until, created_by) "
        "VALUES (%s, %s, 'yard', %s, now() + interval '1 h', 'x')",
        [house.organisation, other.user_id, house.site],
    )
    start()
    house.send(house.event(), house.event(rule="fire", camera="yard"), house.event(rule="fire"))
    eventually(lambda: len(house.deliveries("sent")) == 4)
    assert sorted(one.path for one in hook.got) == ["/named", "/named", "/named", "/other"]
    assert [one["reason"] for one in house.deliveries("muted")] == ["muted"]


def test_a_subscription_that_has_ended_is_removed(
    house: House, hook: Hook, start: Start, settings: Settings
) -> None:
    hook.answer = lambda _: (410, {})
    who = member(house, settings)
    subscribe(house, settings, who, hook.url)
    house.route(everyone=True)
    start()
    house.happen()
    eventually(
        lambda: (
            house.one("SELECT count(*) AS n FROM notify_targets WHERE user_id = %s", who.user_id)[
                "n"
            ]
            == 0
        )
    )
    (ended,) = house.deliveries()
    assert (ended["status"], ended["reason"]) == ("cancelled", "target-gone")
