"""The audit trail: everything is in it, nobody can change it, and whoever did is found."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from consumers.access.audit import note
from consumers.access.audit_chain import Head, entry_hash
from consumers.access.audit_verify import verify
from consumers.access.permissions import Role
from consumers.access.principal import Principal
from consumers.store.database import Database
from tests.access_helpers import Account, account
from tests.contract.access.world import World

AUDIT = "/api/v1/audit"


def principal(owner: Account, **changes: Any) -> Principal:
    given = {
        "kind": "user",
        "subject_id": owner.user_id,
        "name": owner.mail,
        "organisation_id": owner.organisation_id,
        "permissions": frozenset(),
        "source": "203.0.113.9",
        **changes,
    }
    return Principal(**given)


def write(dsn: str, owner: Account, *subjects: str, **details: object) -> None:
    """Append entries as a service does, each in a transaction of the organisation."""

    async def run() -> None:
        async with Database(dsn, connections=1) as database:
            for subject in subjects:
                async with database.tenant(owner.organisation_id) as connection:
                    await note(connection, principal(owner), "test.act", subject, details)

    asyncio.run(run())


def entries(dsn: str, own: UUID) -> list[dict[str, Any]]:
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT * FROM audit WHERE organisation_id = %s ORDER BY n", [own]
        ).fetchall()


def tamper(dsn: str, query: str, *values: object) -> None:
    """Change the trail as only a superuser can, who switches its triggers off."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        assert connection.execute(query, values).rowcount > 0


def test_python_and_postgres_compute_the_same_hash(world: World) -> None:
    owner = account(world.dsn)
    odd = "ein \ufffd 'Zitat' \\u0000 \U0001f6a8 12:34\n"
    write(world.dsn, owner, odd, "", "x" * 1000, nested={"a": [1, 2.5, None, odd]}, nul="\x00")
    for entry in entries(world.dsn, owner.organisation_id):
        assert entry_hash(entry) == bytes(entry["hash"])
    (found,) = verify(world.dsn, owner.slug)
    assert found.broken is None and found.head.n == 3


def test_the_trail_tells_who_did_what_from_where(world: World) -> None:
    owner = account(world.dsn)
    client = world.logged_in(owner).client
    client.put("/api/v1/organisation", json={"name": "Another name"})
    world.log_in(owner.mail)
    httpx.post(f"{world.url}/api/v1/session", json={"mail": owner.mail, "password": "not it"})
    made = client.post("/api/v1/keys", json={"name": "a key", "permissions": ["events:read"]})
    listed = client.get(AUDIT).json()["items"]
    assert [one["action"] for one in listed] == [
        "key.make",
        "login.refused",
        "login.password",
        "organisation.rename",
    ]
    assert [one["n"] for one in listed] == [4, 3, 2, 1]
    newest, oldest = listed[0], listed[-1]
    assert newest["previous"] == listed[1]["hash"] and newest["actor_name"] == owner.mail
    assert oldest["details"] == {"name": "Another name"} and oldest["source"] == "127.0.0.1"
    assert oldest["session_id"] == str(owner.session_id)
    assert made.json()["key"] not in json.dumps(listed)


def test_the_trail_is_paged_and_chosen_from(world: World) -> None:
    owner = account(world.dsn)
    write(world.dsn, owner, *(f"thing-{n}" for n in range(7)))
    client = world.logged_in(owner).client
    seen: list[int] = []
    path = f"{AUDIT}?limit=3"
    while path:
        page = client.get(path).json()
        seen += [one["n"] for one in page["items"]]
        path = page["next"]
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    chosen = client.get(AUDIT, params={"subject": "thing-3"}).json()["items"]
    assert [one["n"] for one in chosen] == [4]
    assert client.get(AUDIT, params={"action": "no.such"}).json()["items"] == []
    by_nobody = {"actor": str(uuid.uuid4())}
    assert client.get(AUDIT, params=by_nobody).json()["items"] == []
    ever = {"from_at": "2000-01-01T00:00:00Z", "to_at": "2001-01-01T00:00:00Z"}
    assert client.get(AUDIT, params=ever).json()["items"] == []


def test_a_note_stands_and_falls_with_its_transaction(world: World) -> None:
    owner = account(world.dsn)

    async def run() -> None:
        async with Database(world.dsn, connections=1) as database:
            with pytest.raises(RuntimeError):
                async with database.tenant(owner.organisation_id) as connection:
                    await note(connection, principal(owner), "test.act", "undone")
                    raise RuntimeError

    asyncio.run(run())
    assert entries(world.dsn, owner.organisation_id) == []


def test_nobody_notes_for_another_organisation(world: World) -> None:
    owner, stranger = account(world.dsn), account(world.dsn)

    async def run() -> None:
        async with Database(world.dsn, connections=1) as database:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with database.tenant(owner.organisation_id) as connection:
                    await note(connection, principal(stranger), "test.act", "forged")

    asyncio.run(run())


CHANGES = ("UPDATE audit SET subject = 'x'", "DELETE FROM audit", "TRUNCATE audit")
WRITES = (
    "UPDATE audit_heads SET n = 0",
    "DELETE FROM audit_heads",
    "INSERT INTO audit SELECT * FROM audit",
    "SELECT * FROM audit_inbox",
)


@pytest.mark.parametrize(
    ("role", "query"),
    [("services", query) for query in CHANGES + WRITES] + [("owner", query) for query in CHANGES],
)
def test_nobody_changes_an_entry(world: World, role: str, query: str) -> None:
    owner = account(world.dsn)
    write(world.dsn, owner, "a thing")
    with psycopg.connect(world.dsn) as connection:
        if role == "services":
            connection.execute(
                "SELECT set_config('role', 'sightline_app', true), "
                "set_config('sightline.organisation', %s, true)",
                [str(owner.organisation_id)],
            )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(query)


def test_one_organisation_sees_its_own_trail(world: World) -> None:
    owner, stranger = account(world.dsn), account(world.dsn)
    write(world.dsn, stranger, "of a stranger")
    assert "of a stranger" not in world.logged_in(owner).client.get(AUDIT).text


def test_many_at_once_make_one_chain(world: World) -> None:
    owner = account(world.dsn)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: write(world.dsn, owner, *[f"{n}/{k}" for k in range(8)]), range(6)))
    (found,) = verify(world.dsn, owner.slug)
    assert found.broken is None and found.head.n == 48


def test_who_notes_first_and_waits_holds_nobody_up(world: World) -> None:
    owner = account(world.dsn)

    async def run() -> None:
        async with (
            Database(world.dsn, connections=2) as database,
            database.tenant(owner.organisation_id) as slow,
        ):
            await note(slow, principal(owner), "test.act", "slow")
            async with asyncio.timeout(10), database.tenant(owner.organisation_id) as quick:
                await note(quick, principal(owner), "test.act", "quick")

    asyncio.run(run())
    found = [one["subject"] for one in entries(world.dsn, owner.organisation_id)]
    assert found == ["quick", "slow"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", "at - interval '1 microsecond'"),
        ("actor_kind", "'key'"),
        ("actor_id", "gen_random_uuid()"),
        ("actor_name", "'somebody@example.com'"),
        ("session_id", "gen_random_uuid()"),
        ("source", "''"),
        ("action", "'test.ac'"),
        ("subject", "'t' || subject"),
        ("details", "details || ' '"),
        ("previous", "'\\x00'"),
        ("hash", "sha256('')"),
    ],
)
def test_a_changed_field_is_found(world: World, field: str, value: str) -> None:
    owner = account(world.dsn)
    write(world.dsn, owner, *"abcde")
    tamper(
        world.dsn,
        f"UPDATE audit SET {field} = {value} WHERE organisation_id = %s AND n = 3",
        owner.organisation_id,
    )
    (found,) = verify(world.dsn, owner.slug)
    assert found.broken is not None and found.broken.n == 3


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("DELETE FROM audit WHERE organisation_id = %s AND n = 1", 1),
        ("DELETE FROM audit WHERE organisation_id = %s AND n = 3", 3),
        ("DELETE FROM audit WHERE organisation_id = %s AND n >= 4", 4),
        ("DELETE FROM audit WHERE organisation_id = %s", 1),
        ("UPDATE audit SET n = n + 10 WHERE organisation_id = %s AND n = 2", 2),
        ("UPDATE audit SET n = -n WHERE organisation_id = %s AND n = 2", 1),
        ("DELETE FROM audit_heads WHERE organisation_id = %s", 1),
        ("UPDATE audit_heads SET n = 3 WHERE organisation_id = %s", 4),
    ],
)
def test_a_missing_or_moved_entry_is_found(world: World, query: str, first: int) -> None:
    owner = account(world.dsn)
    write(world.dsn, owner, *"abcde")
    tamper(world.dsn, query, owner.organisation_id)
    (found,) = verify(world.dsn, owner.slug)
    assert found.broken is not None and found.broken.n == first


def test_a_chain_written_anew_is_found_by_an_end_that_was_written_down(world: World) -> None:
    owner = account(world.dsn)
    write(world.dsn, owner, "guilty", "later")
    (before,) = verify(world.dsn, owner.slug)
    previous = b""
    for entry in entries(world.dsn, owner.organisation_id):
        forged = {**entry, "subject": "innocent", "previous": previous}
        previous = entry_hash(forged)
        tamper(
            world.dsn,
            "UPDATE audit SET subject = 'innocent', previous = %s, hash = %s "
            "WHERE organisation_id = %s AND n = %s",
            *(forged["previous"], previous, owner.organisation_id, entry["n"]),
        )
    tamper(
        world.dsn,
        "UPDATE audit_heads SET hash = %s WHERE organisation_id = %s",
        *(previous, owner.organisation_id),
    )
    (forged_chain,) = verify(world.dsn, owner.slug)
    assert forged_chain.broken is None
    (found,) = verify(world.dsn, owner.slug, before.head)
    assert found.broken is not None and found.broken.n == 2
    (missing,) = verify(world.dsn, owner.slug, Head(3, b"x"))
    assert missing.broken is not None and missing.broken.n == 3


def test_the_command_line_names_the_first_broken_entry(world: World) -> None:
    owner = account(world.dsn)
    write(world.dsn, owner, *"abc")
    good = cli(world.dsn, "audit", "verify", "--organisation", owner.slug)
    assert good.returncode == 0 and f"{owner.slug}: 3 entries hold" in good.stdout
    head = good.stdout.strip().rpartition(" ")[2]
    tamper(
        world.dsn,
        "UPDATE audit SET action = 'x' WHERE organisation_id = %s AND n = 2",
        owner.organisation_id,
    )
    bad = cli(world.dsn, "audit", "verify", "--organisation", owner.slug, "--expect", head)
    assert bad.returncode == 2 and "BROKEN at entry 2: it was changed" in bad.stdout
    assert cli(world.dsn, "audit", "verify", "--organisation", "nobody").returncode == 1


def test_a_login_in_an_unknown_name_is_in_the_trail_of_the_cloud(world: World) -> None:
    mail = f"stranger-{uuid.uuid4().hex}@example.com"
    httpx.post(f"{world.url}/api/v1/session", json={"mail": mail, "password": "a guess"})
    newest = entries(world.dsn, UUID(int=0))[-1]
    assert newest["action"] == "login.refused" and newest["subject"] == "s…@example.com"


def test_only_who_may_reads_it(world: World) -> None:
    owner = account(world.dsn)
    operator = account(world.dsn, slug=owner.slug, role=Role.OPERATOR)
    assert httpx.get(world.url + AUDIT, headers=operator.key).status_code == 403


def cli(dsn: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.cli.main", *arguments],
        env={**os.environ, "SIGHTLINE_POSTGRES_DSN": dsn},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
