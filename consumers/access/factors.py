"""Second factors: an authenticator (TOTP, RFC 6238), recovery codes, a phone, and mail for who has none."""

from __future__ import annotations

import base64
import io
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import pyotp
import segno

from consumers.access.messages import Messenger
from consumers.access.sealing import Sealer
from consumers.access.sessions import Current
from consumers.access.tokens import same
from consumers.store.database import Connection

STEP_S = 30
STEPS_OFF = 1
"""Clocks of phones differ: codes of the step before and after are taken too (RFC 6238, 5.2)."""
RECOVERY_CODES = 10
ISSUER = "Sightline"
_RECOVERY_BYTES = 10


class Method(StrEnum):
    """How somebody proves themselves a second time."""

    AUTHENTICATOR = "authenticator"
    RECOVERY = "recovery"
    PHONE = "phone"
    MAIL = "mail"


def methods_of(session: Current, messenger: Messenger) -> list[Method]:
    """Return what a session's user can prove themselves by, the best first.

    Mail stands in only for users with nothing better: it also resets the password, so beside an
    authenticator it would turn two factors into one.
    """
    if session.has_authenticator:
        return [Method.AUTHENTICATOR, Method.RECOVERY]
    if session.phone is not None and messenger.phone is not None:
        return [Method.PHONE]
    return [Method.MAIL] if messenger.mail is not None else []


def new_seed() -> str:
    """Return the secret that an authenticator shares with us (160 bits, base32)."""
    return pyotp.random_base32()


def enrolment_link(seed: str, mail: str) -> str:
    """Return the ``otpauth://`` link that authenticators read."""
    return pyotp.TOTP(seed, interval=STEP_S).provisioning_uri(name=mail, issuer_name=ISSUER)


def picture(link: str, kind: str) -> bytes:
    """Return the link as a QR code, ``svg`` or ``png``."""
    out = io.BytesIO()
    segno.make(link, error="m").save(out, kind=kind, scale=5, border=4)
    return out.getvalue()


def matching_step(seed: str, given: str, now: datetime, newest_used: int) -> int | None:
    """Return the step whose code was given; None if it is none, or not newer than one used before.

    All codes are compared whatever the first comparison says, so that the time tells nothing.
    """
    totp = pyotp.TOTP(seed, interval=STEP_S)
    step_now = int(now.timestamp()) // STEP_S
    found: int | None = None
    for step in range(step_now - STEPS_OFF, step_now + STEPS_OFF + 1):
        right = same(given, totp.at(step * STEP_S))
        if right and step > newest_used:
            found = step
    return found


async def use_authenticator(
    connection: Connection, sealer: Sealer, session: Current, given: str
) -> bool:
    """Tell whether it is the present code of the user's authenticator, and void it."""
    if session.totp_seed is None:
        return False
    found = await connection.execute(
        "SELECT totp_seed, totp_step FROM users WHERE user_id = %s FOR UPDATE", [session.user_id]
    )
    row = await found.fetchone()
    if row is None or row["totp_seed"] is None:
        return False
    seed = sealer.open(row["totp_seed"])
    step = matching_step(seed, given, datetime.now(UTC), row["totp_step"])
    if step is None:
        return False
    await connection.execute(
        "UPDATE users SET totp_step = %s WHERE user_id = %s", [step, session.user_id]
    )
    return True


async def new_recovery_codes(connection: Connection, sealer: Sealer, user_id: UUID) -> list[str]:
    """Make codes for the day that the phone is lost; earlier ones are void. They are told this once."""
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    await connection.execute("DELETE FROM recovery_codes WHERE user_id = %s", [user_id])
    for code in codes:
        await connection.execute(
            "INSERT INTO recovery_codes (user_id, code_hash) VALUES (%s, %s)",
            [user_id, _recovery_hash(sealer, user_id, code)],
        )
    return codes


async def use_recovery_code(
    connection: Connection, sealer: Sealer, user_id: UUID, given: str
) -> int | None:
    """Void a recovery code and return how many are left; None if it is none of the user's."""
    # Looked up by a keyed hash of 80 random bits: the time of the search tells nothing of others.
    found = await connection.execute(
        "DELETE FROM recovery_codes WHERE user_id = %s AND code_hash = %s",
        [user_id, _recovery_hash(sealer, user_id, given)],
    )
    if found.rowcount != 1:
        return None
    return await recovery_codes_left(connection, user_id)


async def recovery_codes_left(connection: Connection, user_id: UUID) -> int:
    """Return how many recovery codes a user has."""
    found = await connection.execute(
        "SELECT count(*) AS codes FROM recovery_codes WHERE user_id = %s", [user_id]
    )
    row: dict[str, Any] | None = await found.fetchone()
    assert row is not None
    return int(row["codes"])


async def forget_factors(connection: Connection, user_id: UUID) -> None:
    """Take authenticator, recovery codes and phone from a user."""
    await connection.execute(
        "UPDATE users SET totp_seed = NULL, totp_confirmed_at = NULL, phone = NULL, "
        "phone_confirmed_at = NULL WHERE user_id = %s",
        [user_id],
    )
    await connection.execute("DELETE FROM recovery_codes WHERE user_id = %s", [user_id])


def _recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _recovery_hash(sealer: Sealer, user_id: UUID, code: str) -> bytes:
    plain = "".join(code.split()).replace("-", "").lower()
    return sealer.mac(f"recovery {user_id}", plain)
