"""Changing a password, and setting one anew by mail."""

from __future__ import annotations

import uuid

import httpx
import psycopg

from tests.access_helpers import PASSWORD, account
from tests.contract.access.test_second_factors import later, prove
from tests.contract.access.world import World, token_in

PATH = "/api/v1/session"
NEW = "another long passphrase"


def forgot(world: World, mail: str) -> httpx.Response:
    return httpx.post(f"{world.url}{PATH}/password/forgot", json={"mail": mail})


def reset(world: World, token: str, password: str = NEW) -> httpx.Response:
    body = {"token": token, "password": password}
    return httpx.post(f"{world.url}{PATH}/password/reset", json=body)


def login(world: World, mail: str, password: str) -> int:
    body = {"mail": mail, "password": password}
    return httpx.post(world.url + PATH, json=body).status_code


def test_a_changed_password_ends_all_other_sessions(world: World) -> None:
    owner = account(world.dsn)
    here, there = world.log_in(owner.mail), world.log_in(owner.mail)
    token = here.cookies["sightline_session"]
    wrong = here.put(f"{PATH}/password", json={"old": "not it at all", "new": NEW})
    assert wrong.status_code == 403
    weak = here.put(f"{PATH}/password", json={"old": PASSWORD, "new": "short"})
    assert weak.status_code == 422
    count = len(world.mailbox.mails)
    changed = here.put(f"{PATH}/password", json={"old": PASSWORD, "new": NEW})
    assert changed.status_code == 200, changed.text
    assert here.get(PATH).status_code == 200 and there.get(PATH).status_code == 401
    assert httpx.get(world.url + PATH, headers=owner.session).status_code == 401
    assert httpx.get(world.url + PATH, cookies={"sightline_session": token}).status_code == 401
    assert login(world, owner.mail, PASSWORD) == 401 and login(world, owner.mail, NEW) == 200
    assert "was changed" in world.mailbox.newest(owner.mail, after=count)


def test_a_stolen_session_guesses_the_old_password_slowly(world: World) -> None:
    thief = world.logged_in(account(world.dsn)).client
    answers = [
        thief.put(f"{PATH}/password", json={"old": f"guess {n}", "new": NEW}).status_code
        for n in range(7)
    ]
    assert answers == [403] * 6 + [429]


def test_a_link_sets_the_password_once(world: World) -> None:
    owner = account(world.dsn)
    open_session = world.log_in(owner.mail)
    count = len(world.mailbox.mails)
    assert forgot(world, owner.mail).status_code == 202
    token = token_in(world.mailbox.newest(owner.mail, after=count))
    assert reset(world, token, "short").status_code == 422
    done = reset(world, token)
    assert done.status_code == 204
    assert done.cookies["sightline_device"]
    assert reset(world, token, "yet another passphrase").status_code == 422
    assert open_session.get(PATH).status_code == 401
    assert login(world, owner.mail, NEW) == 200


def test_a_link_is_no_way_around_the_second_factor(world: World) -> None:
    owner = account(world.dsn)
    totp, _ = world.logged_in(owner).enrol()
    count = len(world.mailbox.mails)
    forgot(world, owner.mail)
    reset(world, token_in(world.mailbox.newest(owner.mail, after=count)))
    pending = world.log_in(owner.mail, NEW)
    assert pending.get(PATH).status_code == 401
    assert prove(pending, "authenticator", later(totp)).status_code == 200


def test_a_late_link_sets_nothing(world: World) -> None:
    owner = account(world.dsn)
    count = len(world.mailbox.mails)
    forgot(world, owner.mail)
    token = token_in(world.mailbox.newest(owner.mail, after=count))
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "UPDATE one_time_codes SET expires_at = now() WHERE user_id = %s", [owner.user_id]
        )
    assert reset(world, token).status_code == 422
    assert login(world, owner.mail, PASSWORD) == 200


def test_nobody_learns_whether_there_is_such_a_user(world: World) -> None:
    owner = account(world.dsn)
    nobody = f"nobody-{uuid.uuid4().hex}@example.com"
    answers = [forgot(world, owner.mail), forgot(world, nobody)]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].text == answers[1].text
    world.mailbox.newest(owner.mail)
    assert nobody not in {one["To"] for one in world.mailbox.mails}
    more = [forgot(world, nobody).status_code for _ in range(7)]
    assert more[-1] == 429
