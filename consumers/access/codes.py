"""One-time codes of a few digits: for one session and purpose, short-lived, few tries, used once."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from uuid import UUID, uuid4

from consumers.access.sealing import Sealer
from consumers.store.database import Connection

DIGITS = 6
CODE_LASTS = timedelta(minutes=10)
TRIES = 5
"""Five of a million: a guess has one chance in 200,000, and new codes are sent seldom."""


async def new_code(
    connection: Connection,
    sealer: Sealer,
    user_id: UUID,
    session_id: UUID,
    purpose: str,
    target: str,
) -> str:
    """Make a code for this session; an earlier one of the same purpose is void.

    ``target`` is where it is sent, and what its return proves.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    code_id = uuid4()
    await connection.execute(
        "DELETE FROM one_time_codes WHERE session_id = %s AND purpose = %s", [session_id, purpose]
    )
    await connection.execute(
        "INSERT INTO one_time_codes (code_id, user_id, session_id, purpose, target, code_hash, "
        "expires_at) VALUES (%s, %s, %s, %s, %s, %s, now() + %s)",
        [
            *(code_id, user_id, session_id, purpose, target),
            *(sealer.mac(str(code_id), code), CODE_LASTS),
        ],
    )
    return code


async def use_code(
    connection: Connection, sealer: Sealer, session_id: UUID, purpose: str, given: str
) -> str | None:
    """Return the target of the code and void it; None for a wrong, late or used one.

    The caller commits also after None: the try counts.
    """
    found = await connection.execute(
        "UPDATE one_time_codes SET tries = tries + 1 WHERE session_id = %s AND purpose = %s "
        "AND expires_at > now() AND tries < %s RETURNING code_id, target, code_hash",
        [session_id, purpose, TRIES],
    )
    row = await found.fetchone()
    if row is None:
        return None
    wanted = bytes(row["code_hash"])
    if not hmac.compare_digest(sealer.mac(str(row["code_id"]), given), wanted):
        return None
    await connection.execute("DELETE FROM one_time_codes WHERE code_id = %s", [row["code_id"]])
    return str(row["target"])
