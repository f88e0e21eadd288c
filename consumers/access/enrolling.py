"""Enrolling second factors: an authenticator with recovery codes, and a phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from consumers.access.codes import new_code, use_code
from consumers.access.factors import (
    Method,
    enrolment_link,
    matching_step,
    new_recovery_codes,
    new_seed,
    picture,
)
from consumers.access.meters import CODE, CODES_SENT, give_back, meter, take
from consumers.access.sessions import Client, Current, mark_proved
from consumers.access.stepping import Prover
from consumers.access.trails import note_user
from consumers.store.database import Connection
from schemas.errors import Rejected

PHONE_PURPOSE = "phone"


@dataclass(frozen=True, slots=True)
class Begun:
    """An authenticator that is told its secret this once."""

    link: str
    svg: bytes
    png: bytes


@dataclass(frozen=True, slots=True)
class Enroller:
    """What enrolling needs; whoever calls has made sure that the session was proved just before."""

    prover: Prover

    async def begin(self, session: Current) -> Begun:
        """Make the secret of a new authenticator; it counts once its first code is given."""
        seed = new_seed()
        async with self.prover.database.system() as connection:
            await connection.execute(
                "UPDATE users SET totp_next_seed = %s WHERE user_id = %s",
                [self.prover.sealer.seal(seed), session.user_id],
            )
        link = enrolment_link(seed, session.mail)
        return Begun(link, picture(link, "svg"), picture(link, "png"))

    async def confirm(self, session: Current, given: str, client: Client) -> list[str]:
        """Let the new authenticator count, and return its recovery codes.

        Raises:
            Rejected: none was begun, or the code is wrong.
            TooOften: too many tries before this one.
        """
        tried = meter(CODE, "enrol", str(session.session_id))
        async with self.prover.database.system() as connection:
            await take(connection, [tried])
        async with self.prover.database.system() as connection:
            found = await connection.execute(
                "SELECT totp_next_seed FROM users WHERE user_id = %s FOR UPDATE",
                [session.user_id],
            )
            row = await found.fetchone()
            sealed = row["totp_next_seed"] if row else None
            if sealed is None:
                raise Rejected("begin with POST /api/v1/session/authenticator", reason="not-begun")
            seed = self.prover.sealer.open(sealed)
            step = matching_step(seed, given, datetime.now(UTC), 0)
            if step is None:
                raise _wrong()
            await connection.execute(
                "UPDATE users SET totp_seed = totp_next_seed, totp_next_seed = NULL, "
                "totp_confirmed_at = now(), totp_step = %s WHERE user_id = %s",
                [step, session.user_id],
            )
            codes = await new_recovery_codes(connection, self.prover.sealer, session.user_id)
            await mark_proved(connection, session.session_id)
            await give_back(connection, [tried])
            await _note(connection, session, client, "factor.add", Method.AUTHENTICATOR)
        return codes

    async def remove(self, session: Current, client: Client) -> None:
        """Take the authenticator and its recovery codes away."""
        async with self.prover.database.system() as connection:
            await connection.execute(
                "UPDATE users SET totp_seed = NULL, totp_next_seed = NULL, "
                "totp_confirmed_at = NULL WHERE user_id = %s",
                [session.user_id],
            )
            await connection.execute(
                "DELETE FROM recovery_codes WHERE user_id = %s", [session.user_id]
            )
            await _note(connection, session, client, "factor.remove", Method.AUTHENTICATOR)

    async def renew_recovery_codes(self, session: Current, client: Client) -> list[str]:
        """Make new recovery codes.

        Raises:
            Rejected: there is no authenticator that they stand in for.
        """
        if not session.has_authenticator:
            raise Rejected(
                "recovery codes stand in for an authenticator: enrol one first", reason="not-begun"
            )
        async with self.prover.database.system() as connection:
            codes = await new_recovery_codes(connection, self.prover.sealer, session.user_id)
            await _note(connection, session, client, "factor.renew", Method.RECOVERY)
        return codes

    async def begin_phone(self, session: Current, number: str, client: Client) -> None:
        """Send a code to a phone.

        Raises:
            Rejected: this cloud sends no short messages.
            TooOften: codes were sent just before.
            Retryable: the gateway did not take it.
        """
        async with self.prover.database.system() as connection:
            await take(connection, [meter(CODES_SENT, "phone", str(session.user_id))])
            code = await new_code(
                connection,
                *(self.prover.sealer, session.user_id, session.session_id, PHONE_PURPOSE, number),
            )
            await _note(connection, session, client, "code.sent", Method.PHONE)
        await self.prover.deliver(
            Method.PHONE, number, f"{code} confirms this phone for Sightline. Tell it nobody."
        )

    async def confirm_phone(self, session: Current, given: str, client: Client) -> None:
        """Let the phone count that the code was sent to.

        Raises:
            Rejected: the code is wrong, late or used.
            TooOften: too many tries before this one.
        """
        tried = meter(CODE, "enrol-phone", str(session.session_id))
        async with self.prover.database.system() as connection:
            await take(connection, [tried])
        async with self.prover.database.system() as connection:
            number = await use_code(
                connection, self.prover.sealer, session.session_id, PHONE_PURPOSE, given
            )
            if number is not None:
                await connection.execute(
                    "UPDATE users SET phone = %s, phone_confirmed_at = now() WHERE user_id = %s",
                    [number, session.user_id],
                )
                await mark_proved(connection, session.session_id)
                await give_back(connection, [tried])
                await _note(connection, session, client, "factor.add", Method.PHONE)
                return
        # Outside of the transaction: the code's try stays counted.
        raise _wrong()

    async def remove_phone(self, session: Current, client: Client) -> None:
        """Take the phone away."""
        async with self.prover.database.system() as connection:
            await connection.execute(
                "UPDATE users SET phone = NULL, phone_confirmed_at = NULL WHERE user_id = %s",
                [session.user_id],
            )
            await _note(connection, session, client, "factor.remove", Method.PHONE)


def _wrong() -> Rejected:
    return Rejected("the code is wrong, late or used before", reason="wrong-code")


async def _note(
    connection: Connection, session: Current, client: Client, action: str, method: Method
) -> None:
    details: Mapping[str, object] = {"method": method.value}
    await note_user(
        connection,
        *(session.user_id, session.mail, action, client.source),
        details,
        session_id=session.session_id,
    )
