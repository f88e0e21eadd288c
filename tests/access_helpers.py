"""Organisations with people and keys, and the API as a server, for tests of routes.

somebody = account(dsn, role=Role.VIEWER, sites=["depot-7"])
with serving(settings) as url:
    httpx.get(f"{url}/api/v1/events", headers=somebody.key)
    httpx.post(f"{url}/api/v1/...", headers=somebody.session)
"""

from __future__ import annotations

import asyncio
import socket
import threading
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
import uvicorn

from consumers.access.keys import make_key
from consumers.access.limits import Limits
from consumers.access.passwords import hashed
from consumers.access.permissions import ROLES, Permission, Role
from consumers.access.sessions import Client, open_session
from consumers.access.tokens import csrf_token
from consumers.access.users import create_user, join
from consumers.api.app import build
from consumers.store.database import Connection, Database
from infra.runtime.settings import Settings

PASSWORD = "a long enough passphrase"
SECRET_KEY = "a secret of tests, long enough to seal with"
START_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A member of an organisation, with a key that may do as much and a session."""

    organisation_id: UUID
    slug: str
    user_id: UUID
    mail: str
    role: Role
    key_id: UUID
    key: dict[str, str]
    """Headers of a request with the API key."""
    session_id: UUID
    token: str
    """The session's cookie."""
    session: dict[str, str]
    """Headers of a request of the logged-in browser, also for methods that change something."""


def account(
    dsn: str,
    *,
    slug: str | None = None,
    role: Role = Role.OWNER,
    sites: Collection[str] | None = None,
    groups: Collection[UUID] = (),
    permissions: Collection[Permission] | None = None,
    stepped_up: bool = True,
    mail: str | None = None,
) -> Account:
    """Make a member (of a new organisation, where ``slug`` is not there yet), a key and a session.

    ``sites`` or ``groups`` limit them; ``permissions`` are the key's, by default all of the role.
    The session has just proved its second factor, unless ``stepped_up`` is false.
    """
    return asyncio.run(
        _account(dsn, slug, role, sites, groups, permissions, stepped_up=stepped_up, mail=mail)
    )


def give_site(dsn: str, site: str, organisation_id: UUID) -> None:
    """Give a site to an organisation."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT sightline_give_site(%s, %s)", [site, organisation_id])


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Run the API as a server on a free port and yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(build(settings), log_level="warning", timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        for _ in range(int(START_S * 50)):
            if server.started or not thread.is_alive():
                break
            thread.join(0.02)
        assert server.started, "the API does not start"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_S)
        listener.close()
    assert not thread.is_alive()


def api_settings(dsn: str, **changes: str) -> Settings:
    """Return settings of an API that has Postgres alone; no other part answers."""
    nowhere = {
        "mongo_url": "mongodb://127.0.0.1:9/",
        "cloud_kafka": "127.0.0.1:9",
        "s3_url": "http://127.0.0.1:9",
        "s3_access_key": "nobody",
        "s3_secret_key": "nothing",
        "secret_key": SECRET_KEY,
    }
    return Settings(**{"postgres_dsn": dsn, **nowhere, **changes})


async def _account(
    dsn: str,
    slug: str | None,
    role: Role,
    sites: Collection[str] | None,
    groups: Collection[UUID],
    permissions: Collection[Permission] | None,
    *,
    stepped_up: bool,
    mail: str | None,
) -> Account:
    limited = sites is not None or bool(groups)
    limits = Limits(tuple(sites or ()), tuple(groups)) if limited else None
    name = slug or f"org-{uuid.uuid4().hex[:12]}"
    address = mail or f"{role.value}-{uuid.uuid4().hex[:12]}@example.com"
    async with Database(dsn, connections=1) as database, database.system() as connection:
        own = await _organisation(connection, name)
        user_id = await create_user(connection, address, role.value, await hashed(PASSWORD))
        await join(connection, user_id, own, role, limits)
        made = await make_key(
            connection,
            own,
            f"of {address}",
            ROLES[role] if permissions is None else permissions,
            limits=limits,
            made_by=user_id,
        )
        opened = await open_session(
            connection,
            user_id,
            own,
            Client(source="127.0.0.1", browser="a test"),
            pending=False,
            stepped_up=stepped_up,
        )
    return Account(
        organisation_id=own,
        slug=name,
        user_id=user_id,
        mail=address,
        role=role,
        key_id=made.key_id,
        key={"Authorization": f"Bearer {made.key}"},
        session_id=opened.session_id,
        token=opened.token,
        session={
            "Cookie": f"sightline_session={opened.token}",
            "Sightline-CSRF": csrf_token(opened.token),
        },
    )


async def _organisation(connection: Connection, slug: str) -> UUID:
    await connection.execute(
        "INSERT INTO organisations (slug, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [slug, slug],
    )
    found = await connection.execute(
        "SELECT organisation_id FROM organisations WHERE slug = %s", [slug]
    )
    row = await found.fetchone()
    assert row is not None
    return UUID(str(row["organisation_id"]))
