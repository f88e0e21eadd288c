"""What is counted against guessing, and for whom: kept in Postgres, so for all processes alike.

A stranger must not be able to lock somebody out by failing in their name. So failures delay the
account at the source they come from, and the source; an account as a whole is never delayed. A
browser that its user has logged in from before has a count of its own (OWASP "Slow Down Online
Guessing Attacks with Device Cookies"). See docs/adr/0018.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from consumers.access.sessions import Client
from consumers.access.throttle import Allowance, Standing, charge, refund
from consumers.access.tokens import digest
from consumers.store.database import Connection
from schemas.errors import Backpressure

ACCOUNT_AT_SOURCE = Allowance(free=5, leak_s=600, first_s=5, longest_s=900)
SOURCE = Allowance(free=50, leak_s=30, first_s=1, longest_s=300)
KNOWN_DEVICE = Allowance(free=10, leak_s=300, first_s=5, longest_s=300)
ACCOUNT = Allowance(free=30, leak_s=600)
"""Only counted: beyond it an unknown browser needs a code by mail besides the password."""
CODE = Allowance(free=5, leak_s=600, first_s=30, longest_s=900)
CODES_SENT = Allowance(free=3, leak_s=600, first_s=30, longest_s=3600)
LINKS_SENT = Allowance(free=10, leak_s=360, first_s=360, longest_s=360)
TOKENS_TRIED = Allowance(free=30, leak_s=60, first_s=5, longest_s=300)


class TooOften(Backpressure):
    """Refused without a look, for there were too many tries."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(
            f"too many tries: wait {max(1, round(retry_after_s))} s, then try again",
            retry_after_s=retry_after_s,
        )


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing that is counted."""

    key: bytes
    allowance: Allowance


def meter(allowance: Allowance, kind: str, *names: str) -> Meter:
    """Name what is counted by a hash: the table tells nobody's address."""
    text = "".join(f"{len(name)}:{name}" for name in (kind, *names))
    return Meter(hashlib.sha256(text.encode()).digest(), allowance)


def source_of(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 that an IPv6 subscriber has.

    >>> source_of("2001:db8::1:2:3:4"), source_of("203.0.113.9")
    ('2001:db8::/64', '203.0.113.9')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


def login_meters(mail: str, client: Client, *, known_device: bool) -> list[Meter]:
    """Return what a try of a password counts against; the last of them is the account as a whole."""
    if known_device:
        return [meter(KNOWN_DEVICE, "login-device", mail, client.device)]
    source = source_of(client.source)
    return [
        meter(ACCOUNT_AT_SOURCE, "login", mail, source),
        meter(SOURCE, "login-source", source),
        meter(ACCOUNT, "login-account", mail),
    ]


def factor_meter(
    allowance: Allowance, kind: str, user_id: UUID, session_id: UUID | None, device: str
) -> Meter:
    """Return what a try (or the sending) of a code counts against.

    A session that is complete and a browser that is known each count alone, so that somebody who
    has the password cannot use up the tries of the user at work.
    """
    if session_id is not None:
        return meter(allowance, kind, "session", str(session_id))
    if device:
        return meter(allowance, kind, "device", str(user_id), device)
    return meter(allowance, kind, "account", str(user_id))


async def knows_device(connection: Connection, user_id: UUID, device: str) -> bool:
    """Tell whether a user has logged in from this browser before."""
    if not device:
        return False
    found = await connection.execute(
        "SELECT FROM devices WHERE device_hash = %s AND user_id = %s", [digest(device), user_id]
    )
    return found.rowcount == 1


async def take(connection: Connection, meters: Sequence[Meter]) -> list[float]:
    """Count a try against all of these, or against none; returns how far each is used.

    The caller commits before it looks at the try.

    Raises:
        TooOften: one of them has a delay running.
    """
    standings = await _held(connection, meters)
    # Read once the rows are held: before it, others may have written later times.
    now = datetime.now(UTC)
    charged = [(one, *charge(standings.get(one.key), now, one.allowance)) for one in meters]
    longest_s = max((wait_s for _, _, wait_s in charged), default=0.0)
    if longest_s > 0:
        raise TooOften(longest_s)
    for one, standing, _ in charged:
        await _keep(connection, one, standing)
    return [standing.charges for _, standing, _ in charged]


async def give_back(connection: Connection, meters: Sequence[Meter]) -> None:
    """The try was right: it counts no longer."""
    standings = await _held(connection, meters)
    now = datetime.now(UTC)
    for one in meters:
        standing = standings.get(one.key)
        if standing is not None:
            await _keep(connection, one, refund(standing, now, one.allowance))


async def _held(connection: Connection, meters: Sequence[Meter]) -> dict[bytes, Standing]:
    # In one order, so that two who count the same things do not wait for each other.
    keys = sorted(one.key for one in meters)
    await connection.execute(
        "INSERT INTO throttles (key, charges, charged_at, free_at) "
        "SELECT key, 0, now(), now() - interval '1 second' FROM unnest(%s::bytea[]) AS key "
        "ORDER BY key ON CONFLICT DO NOTHING",
        [keys],
    )
    found = await connection.execute(
        "SELECT * FROM throttles WHERE key = ANY(%s) ORDER BY key FOR UPDATE", [keys]
    )
    return {
        bytes(row["key"]): Standing(row["charges"], row["charged_at"], row["free_at"])
        for row in await found.fetchall()
    }


async def _keep(connection: Connection, one: Meter, standing: Standing) -> None:
    await connection.execute(
        "UPDATE throttles SET charges = %s, charged_at = %s, free_at = %s WHERE key = %s",
        [standing.charges, standing.charged_at, standing.free_at, one.key],
    )
