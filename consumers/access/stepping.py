"""Proving oneself a second time: to complete a login, or before something dangerous."""

from __future__ import annotations

from dataclasses import dataclass

from consumers.access.codes import CODE_LASTS, new_code, use_code
from consumers.access.factors import (
    Method,
    methods_of,
    use_authenticator,
    use_recovery_code,
)
from consumers.access.messages import Messenger
from consumers.access.meters import (
    CODE,
    CODES_SENT,
    Meter,
    factor_meter,
    give_back,
    knows_device,
    take,
)
from consumers.access.sealing import Sealer
from consumers.access.sessions import Client, Current, Opened, mark_proved, renew
from consumers.access.throttle import Allowance
from consumers.access.trails import note_user
from consumers.store.database import Connection, Database
from schemas.errors import Rejected

PURPOSE = "step-up"
_MINUTES = int(CODE_LASTS.total_seconds()) // 60


@dataclass(frozen=True, slots=True)
class Prover:
    """What proving needs."""

    database: Database
    sealer: Sealer
    messenger: Messenger

    async def send(self, session: Current, method: Method, client: Client) -> None:
        """Send a code for this session to the user's mailbox or phone.

        Raises:
            Rejected: this user does not prove themselves that way.
            TooOften: codes were sent just before.
            Retryable: the mail server or gateway did not take it.
        """
        if method not in methods_of(session, self.messenger):
            raise _not_so(method)
        if method not in (Method.MAIL, Method.PHONE):
            raise Rejected(
                "the code is in your authenticator or on your list", reason="nothing-to-send"
            )
        target = session.mail if method is Method.MAIL else str(session.phone)
        async with self.database.system() as connection:
            await take(connection, [await self._meter(connection, CODES_SENT, session, client)])
            code = await new_code(
                connection, self.sealer, session.user_id, session.session_id, PURPOSE, target
            )
            await self._note(connection, session, client, "code.sent", method)
        text = (
            f"Your code is {code}. It works once, within {_MINUTES} minutes, and only where you "
            "asked for it. Tell it nobody."
        )
        await self.deliver(method, target, text)

    async def deliver(self, method: Method, target: str, text: str) -> None:
        """Send a text to a mailbox or a phone.

        Raises:
            Rejected: this cloud has no way there.
            Retryable: the mail server or gateway did not take it.
        """
        if method is Method.MAIL and self.messenger.mail is not None:
            await self.messenger.mail.send(target, "Your code for Sightline", text)
        elif method is Method.PHONE and self.messenger.phone is not None:
            await self.messenger.phone.send(target, text)
        else:
            raise Rejected(
                f"this cloud cannot reach anybody by {method.value}: ask its operators to set it up",
                reason="no-way",
            )

    async def step_up(
        self, session: Current, method: Method, given: str, client: Client
    ) -> Opened | None:
        """Let a session do dangerous things for a while; a pending one is let in by a new token.

        Raises:
            Rejected: the code is wrong, late or used.
            TooOften: too many tries before this one.
        """
        if method not in methods_of(session, self.messenger):
            raise _not_so(method)
        async with self.database.system() as connection:
            meter = await self._meter(connection, CODE, session, client)
            await take(connection, [meter])
        async with self.database.system() as connection:
            right = await self._is_right(connection, session, method, given)
            await self._note(
                connection, session, client, "step-up" if right else "step-up.refused", method
            )
            if right:
                await give_back(connection, [meter])
                if session.pending:
                    return await renew(connection, session.session_id, proved=True)
                await mark_proved(connection, session.session_id)
                return None
        # Outside of the transaction: the code's try and the note stay.
        raise Rejected("the code is wrong, late or used before", reason="wrong-code")

    async def _is_right(
        self, connection: Connection, session: Current, method: Method, given: str
    ) -> bool:
        if method is Method.AUTHENTICATOR:
            return await use_authenticator(connection, self.sealer, session, given)
        if method is Method.RECOVERY:
            left = await use_recovery_code(connection, self.sealer, session.user_id, given)
            return left is not None
        target = await use_code(connection, self.sealer, session.session_id, PURPOSE, given)
        return target == (session.mail if method is Method.MAIL else session.phone)

    async def _meter(
        self, connection: Connection, allowance: Allowance, session: Current, client: Client
    ) -> Meter:
        known = await knows_device(connection, session.user_id, client.device)
        return factor_meter(
            allowance,
            "code" if allowance is CODE else "send",
            session.user_id,
            None if session.pending else session.session_id,
            client.device if known else "",
        )

    async def _note(
        self,
        connection: Connection,
        session: Current,
        client: Client,
        action: str,
        method: Method,
    ) -> None:
        await note_user(
            connection,
            session.user_id,
            session.mail,
            action,
            client.source,
            {"method": method.value, "completes_login": session.pending},
            session_id=session.session_id,
            organisation_id=session.organisation_id,
        )


def _not_so(method: Method) -> Rejected:
    return Rejected(
        f"you cannot prove yourself by {method.value}: see `methods` of GET /api/v1/session/factors",
        reason="no-such-method",
    )
