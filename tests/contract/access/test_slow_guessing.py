"""Guessing is slow, tells nothing, and locks nobody out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import argon2
import httpx
import psycopg

from tests.access_helpers import PASSWORD, account
from tests.contract.access.world import World, code_in

TRIES = 12
DEVICE = "sightline_device"


def attempt(
    world: World, mail: str, password: str, source: str = "", device: str = ""
) -> httpx.Response:
    cookies = {DEVICE: device} if device else {}
    return httpx.post(
        f"{world.url}/api/v1/session",
        json={"mail": mail, "password": password},
        headers={"X-Forwarded-For": source} if source else {},
        cookies=cookies,
    )


def source() -> str:
    """An address that no other test comes from (2001:db8::/32 is for documents)."""
    text = uuid.uuid4().hex
    return f"2001:db8:{text[:4]}:{text[4:8]}::1"


def guess(world: World, mail: str, sources: Sequence[str]) -> list[int]:
    """Guess wrongly from all of these at once."""
    with ThreadPoolExecutor(len(sources)) as pool:
        answers = pool.map(lambda one: attempt(world, mail, "a wrong guess", one), sources)
        return [one.status_code for one in answers]


def test_failures_delay_the_account_at_that_source_alone(world: World) -> None:
    owner, other = account(world.dsn), account(world.dsn)
    attacker = source()
    answers = [attempt(world, owner.mail, "a wrong guess", attacker) for _ in range(TRIES)]
    assert [one.status_code for one in answers][:5] == [401] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    # Delayed is also the right password: the delay tells nothing of it.
    assert attempt(world, owner.mail, PASSWORD, attacker).status_code == 429
    assert attempt(world, other.mail, PASSWORD, attacker).status_code == 200
    assert attempt(world, owner.mail, PASSWORD, source()).status_code == 200


def test_many_at_once_count_as_many(world: World) -> None:
    owner = account(world.dsn)
    attacker = source()
    answers = guess(world, owner.mail, [attacker] * TRIES)
    assert answers.count(401) <= 6 and answers.count(429) >= TRIES - 6


def test_a_known_browser_passes_where_a_stranger_fails(world: World) -> None:
    owner = account(world.dsn)
    office = source()
    known = attempt(world, owner.mail, PASSWORD, office)
    for _ in range(TRIES):
        attempt(world, owner.mail, "a wrong guess", office)
    assert attempt(world, owner.mail, PASSWORD, office).status_code == 429
    passed = attempt(world, owner.mail, PASSWORD, office, known.cookies[DEVICE])
    assert passed.status_code == 200
    strange = account(world.dsn)
    borrowed = attempt(world, strange.mail, "a wrong guess", office, known.cookies[DEVICE])
    assert borrowed.status_code == 401


def test_guessing_from_everywhere_makes_the_password_alone_worthless(world: World) -> None:
    owner = account(world.dsn)
    known = attempt(world, owner.mail, PASSWORD, source())
    assert set(guess(world, owner.mail, [source() for _ in range(31)])) == {401}
    found = attempt(world, owner.mail, PASSWORD, source())
    assert found.status_code == 200 and found.json()["second_factor"] == ["mail"]
    session = {
        "Cookie": f"sightline_session={found.cookies['sightline_session']}",
        "Sightline-CSRF": found.json()["csrf_token"],
    }
    assert httpx.get(f"{world.url}/api/v1/session", headers=session).status_code == 401
    # The owner is let in: at once from a known browser, elsewhere by a code to the mailbox.
    before = attempt(world, owner.mail, PASSWORD, source(), known.cookies[DEVICE])
    assert before.json()["second_factor"] == []
    count = len(world.mailbox.mails)
    sent = httpx.post(f"{world.url}/api/v1/session/codes", json={"method": "mail"}, headers=session)
    assert sent.status_code == 202, sent.text
    code = code_in(world.mailbox.newest(owner.mail, after=count))
    proved = httpx.post(
        f"{world.url}/api/v1/session/step-up",
        json={"method": "mail", "code": code},
        headers=session,
    )
    assert proved.status_code == 200, proved.text
    assert proved.cookies["sightline_session"] != found.cookies["sightline_session"]


def test_the_answer_tells_not_whether_there_is_such_a_user(world: World) -> None:
    owner, disabled = account(world.dsn), account(world.dsn)
    nobody = f"nobody-{uuid.uuid4().hex}@example.com"
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "UPDATE users SET disabled_at = now() WHERE user_id = %s", [disabled.user_id]
        )
    refused = [
        attempt(world, owner.mail, "a wrong guess", source()),
        attempt(world, nobody, "a wrong guess", source()),
        attempt(world, disabled.mail, PASSWORD, source()),
    ]
    assert {one.status_code for one in refused} == {401}
    assert len({one.text for one in refused}) == 1
    # Nor does the count of failures: it is kept for addresses, whoever has them.
    place = source()
    delayed = [attempt(world, nobody, "a wrong guess", place).status_code for _ in range(TRIES)]
    assert delayed[-1] == 429


def test_a_password_hashed_with_other_parameters_is_hashed_anew(world: World) -> None:
    owner = account(world.dsn)
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "UPDATE users SET password_hash = %s WHERE user_id = %s", [weak, owner.user_id]
        )
    assert attempt(world, owner.mail, PASSWORD, source()).status_code == 200
    with psycopg.connect(world.dsn) as connection:
        row = connection.execute(
            "SELECT password_hash FROM users WHERE user_id = %s", [owner.user_id]
        ).fetchone()
    assert row is not None and row[0] != weak and row[0].startswith("$argon2id$")
    assert attempt(world, owner.mail, PASSWORD, source()).status_code == 200
