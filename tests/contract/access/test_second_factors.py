"""Second factors: enrolled, proved, used once, and never weaker beside a better one."""

from __future__ import annotations

import base64
import time
import uuid
import xml.etree.ElementTree as ET

import cv2
import httpx
import numpy as np
import psycopg
import pyotp

from tests.access_helpers import PASSWORD, account
from tests.contract.access.world import World, carry_csrf, code_in

PATH = "/api/v1/session"
DANGEROUS = "/api/v1/organisation"


def later(totp: pyotp.TOTP, steps: int = 1) -> str:
    """A code that was not used yet: that of the next step, which a fast clock would show."""
    return str(totp.at(time.time() + 30 * steps))


def forget_step(world: World, user_id: uuid.UUID) -> None:
    """Let codes of this half minute be taken again: no test waits for the next."""
    with psycopg.connect(world.dsn) as connection:
        connection.execute("UPDATE users SET totp_step = 0 WHERE user_id = %s", [user_id])


def prove(client: httpx.Client, method: str, code: str) -> httpx.Response:
    answer = client.post(f"{PATH}/step-up", json={"method": method, "code": code})
    if answer.status_code == 200:
        carry_csrf(client, answer)
    return answer


def rename(client: httpx.Client) -> int:
    return client.put(DANGEROUS, json={"name": "Another name"}).status_code


def test_dangerous_things_want_a_fresh_second_factor(world: World) -> None:
    owner = account(world.dsn, stepped_up=False)
    browser = world.logged_in(owner)
    refused = browser.client.put(DANGEROUS, json={"name": "Another name"})
    assert refused.status_code == 403 and "step-up-required" in refused.json()["type"]
    totp, _ = browser.enrol()
    assert rename(browser.client) == 200
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "UPDATE sessions SET stepped_up_at = now() - interval '11 minutes' "
            "WHERE session_id = %s",
            [owner.session_id],
        )
    assert rename(browser.client) == 403
    assert prove(browser.client, "authenticator", later(totp)).status_code == 200
    assert rename(browser.client) == 200
    key = httpx.put(world.url + DANGEROUS, json={"name": "By a program"}, headers=owner.key)
    assert key.status_code == 200


def test_the_picture_holds_the_link(world: World) -> None:
    begun = world.logged_in(account(world.dsn)).client.post(f"{PATH}/authenticator").json()
    png = np.frombuffer(base64.b64decode(begun["png"]), np.uint8)
    read, _, _ = cv2.QRCodeDetector().detectAndDecode(cv2.imdecode(png, cv2.IMREAD_COLOR))
    assert read == begun["link"] and read.startswith("otpauth://totp/Sightline:")
    assert ET.fromstring(begun["svg"]).tag.endswith("svg")


def test_the_seed_is_stored_sealed(world: World) -> None:
    owner = account(world.dsn)
    totp, _ = world.logged_in(owner).enrol()
    with psycopg.connect(world.dsn) as connection:
        row = connection.execute(
            "SELECT users::text FROM users WHERE user_id = %s", [owner.user_id]
        ).fetchone()
    assert row is not None and totp.secret not in row[0]


def test_login_with_an_authenticator_takes_its_code_once(world: World) -> None:
    owner = account(world.dsn)
    totp, _ = world.logged_in(owner).enrol()
    pending = world.log_in(owner.mail)
    assert pending.get(PATH).status_code == 401
    assert pending.get(f"{PATH}/factors").json()["methods"] == ["authenticator", "recovery"]
    # Mail would turn two factors into one: it also resets the password.
    assert pending.post(f"{PATH}/codes", json={"method": "mail"}).status_code == 422
    assert prove(pending, "mail", "123456").status_code == 422
    assert prove(pending, "authenticator", "000000").status_code == 403
    token = pending.cookies["sightline_session"]
    code = later(totp)
    passed = prove(pending, "authenticator", code)
    assert passed.status_code == 200, passed.text
    assert pending.cookies["sightline_session"] != token
    assert pending.get(PATH).json()["name"] == owner.mail
    again = world.log_in(owner.mail)
    assert prove(again, "authenticator", code).status_code == 403
    forget_step(world, owner.user_id)
    assert prove(again, "authenticator", code).status_code == 200


def test_the_old_token_of_a_completed_login_is_void(world: World) -> None:
    owner = account(world.dsn)
    totp, _ = world.logged_in(owner).enrol()
    pending = world.log_in(owner.mail)
    planted = pending.cookies["sightline_session"]
    assert prove(pending, "authenticator", later(totp)).status_code == 200
    old = httpx.get(world.url + PATH, cookies={"sightline_session": planted})
    assert old.status_code == 401


def test_recovery_codes_work_once_each(world: World) -> None:
    owner = account(world.dsn)
    browser = world.logged_in(owner)
    _, codes = browser.enrol()
    assert len(codes) == len(set(codes)) == 10
    assert prove(world.log_in(owner.mail), "recovery", codes[0].upper()).status_code == 200
    spent = world.log_in(owner.mail)
    assert prove(spent, "recovery", codes[0]).status_code == 403
    assert prove(spent, "recovery", codes[1]).status_code == 200
    assert spent.get(f"{PATH}/factors").json()["recovery_codes"] == 8
    assert browser.client.post(f"{PATH}/recovery-codes").status_code == 200
    assert prove(world.log_in(owner.mail), "recovery", codes[2]).status_code == 403


def test_guessing_codes_is_slow_and_hurts_the_guesser_alone(world: World) -> None:
    owner = account(world.dsn)
    totp, _ = world.logged_in(owner).enrol()
    known = world.log_in(owner.mail)
    assert prove(known, "authenticator", later(totp)).status_code == 200
    thief = world.log_in(owner.mail)
    answers = [prove(thief, "authenticator", "000000").status_code for _ in range(7)]
    assert answers[:6] == [403] * 6 and answers[6] == 429
    # Another login of the thief is no new start.
    assert prove(world.log_in(owner.mail), "authenticator", "000000").status_code == 429
    forget_step(world, owner.user_id)
    again = known.post(PATH, json={"mail": owner.mail, "password": PASSWORD})
    carry_csrf(known, again)
    assert prove(known, "authenticator", later(totp)).status_code == 200


def test_codes_by_mail_are_for_one_session_and_one_use(world: World) -> None:
    owner = account(world.dsn, stepped_up=False)
    here, there = world.logged_in(owner).client, world.log_in(owner.mail)
    count = len(world.mailbox.mails)
    assert here.post(f"{PATH}/codes", json={"method": "mail"}).status_code == 202
    code = code_in(world.mailbox.newest(owner.mail, after=count))
    assert prove(there, "mail", code).status_code == 403
    assert prove(here, "mail", code).status_code == 200
    assert rename(here) == 200 and rename(there) == 403
    assert prove(here, "mail", code).status_code == 403


def test_a_code_is_late_after_ten_minutes_and_void_after_five_tries(world: World) -> None:
    owner = account(world.dsn, stepped_up=False)
    client = world.logged_in(owner).client

    def sent() -> str:
        count = len(world.mailbox.mails)
        assert client.post(f"{PATH}/codes", json={"method": "mail"}).status_code == 202
        return code_in(world.mailbox.newest(owner.mail, after=count))

    code = sent()
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "UPDATE one_time_codes SET expires_at = now() WHERE user_id = %s", [owner.user_id]
        )
    assert prove(client, "mail", code).status_code == 403
    code = sent()
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "UPDATE one_time_codes SET tries = 5 WHERE user_id = %s", [owner.user_id]
        )
    assert prove(client, "mail", code).status_code == 403
    newest = sent()
    assert prove(client, "mail", newest).status_code == 200


def test_codes_are_not_sent_without_end(world: World) -> None:
    client = world.logged_in(account(world.dsn)).client
    answers = [client.post(f"{PATH}/codes", json={"method": "mail"}) for _ in range(5)]
    assert [one.status_code for one in answers] == [202, 202, 202, 202, 429]


def test_a_mail_server_that_is_away_is_told(world: World) -> None:
    client = world.logged_in(account(world.dsn)).client
    world.mailbox.refuses = True
    try:
        answer = client.post(f"{PATH}/codes", json={"method": "mail"})
    finally:
        world.mailbox.refuses = False
    assert answer.status_code == 503 and "retry-after" in answer.headers


def test_a_phone_is_confirmed_and_then_due_at_login(world: World) -> None:
    owner = account(world.dsn)
    client = world.logged_in(owner).client
    assert client.post(f"{PATH}/phone", json={"number": "0151 123"}).status_code == 422
    assert client.post(f"{PATH}/phone", json={"number": "+4915112345678"}).status_code == 202
    message = world.phones.messages[-1]
    assert message["to"] == "+4915112345678"
    assert client.post(f"{PATH}/phone/confirm", json={"code": "000000"}).status_code == 422
    confirmed = client.post(f"{PATH}/phone/confirm", json={"code": code_in(message["text"])})
    assert confirmed.status_code == 204
    pending = world.log_in(owner.mail)
    assert pending.get(f"{PATH}/factors").json() == {
        "methods": ["phone"],
        "authenticator": False,
        "recovery_codes": 0,
        "phone": "…678",
    }
    assert pending.post(f"{PATH}/codes", json={"method": "phone"}).status_code == 202
    code = code_in(world.phones.messages[-1]["text"])
    assert prove(pending, "phone", code).status_code == 200
    assert pending.delete(f"{PATH}/phone").status_code == 204
    assert world.log_in(owner.mail).get(PATH).status_code == 200


def test_a_gateway_that_is_away_is_told(world: World) -> None:
    client = world.logged_in(account(world.dsn)).client
    world.phones.status = 500
    try:
        answer = client.post(f"{PATH}/phone", json={"number": "+4915112345678"})
    finally:
        world.phones.status = 200
    assert answer.status_code == 503


def test_enrolling_wants_proof(world: World) -> None:
    owner = account(world.dsn, stepped_up=False)
    browser = world.logged_in(owner)
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "UPDATE sessions SET created_at = now() - interval '1 hour' WHERE session_id = %s",
            [owner.session_id],
        )
    assert browser.client.post(f"{PATH}/authenticator").status_code == 403
    # A fresh login is proof enough for the first one, so that a cloud without mail can begin.
    fresh = world.log_in(owner.mail)
    begun = fresh.post(f"{PATH}/authenticator")
    totp = pyotp.parse_uri(begun.json()["link"])
    assert isinstance(totp, pyotp.TOTP)
    wrong = fresh.post(f"{PATH}/authenticator/confirm", json={"code": "000000"})
    assert wrong.status_code == 422
    right = fresh.post(f"{PATH}/authenticator/confirm", json={"code": totp.now()})
    assert right.status_code == 200
    # From now on the old session, though logged in, must prove the authenticator.
    assert browser.client.delete(f"{PATH}/authenticator").status_code == 403
    assert fresh.delete(f"{PATH}/authenticator").status_code == 204
    assert world.log_in(owner.mail).get(PATH).status_code == 200
