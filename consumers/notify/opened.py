"""Targets that are open at the moment: made from their rows, kept while they are of use."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from consumers.access.sealing import Sealer
from consumers.notify import lines
from consumers.notify.line import LineConfig
from consumers.notify.outbox import Sending
from consumers.notify.stored import secrets_of
from consumers.notify.targets.registry import KINDS
from consumers.notify.targets.target import Kind, Opening, Surroundings, Target, with_secrets
from consumers.store.database import Database
from schemas.errors import Rejected, Retryable

ATTEND_FIRST_S, ATTEND_LAST_S = 1.0, 60.0
CLOSE_S = 5.0


@dataclass(slots=True)
class Open:
    """One open target; ``attending`` runs where the kind keeps something up."""

    sending: Sending
    target: Target
    kind: Kind
    used_at_s: float
    attending: asyncio.Task[None] | None = None


class OpenTargets:
    """The targets whose lines this worker holds."""

    def __init__(
        self, database: Database, holder: str, sealer: Sealer, surroundings: Surroundings, log: Any
    ) -> None:
        self._database = database
        self._holder = holder
        self._sealer = sealer
        self._surroundings = surroundings
        self._log = log
        self._open: dict[UUID, Open] = {}
        self._turns: dict[UUID, asyncio.Lock] = {}

    def __contains__(self, target_id: UUID) -> bool:
        return target_id in self._open

    async def get(self, target_id: UUID, now_s: float) -> Open | None:
        """Take the target's line and return it open, as its row says now.

        None while another worker has it, or where it is no more.

        Raises:
            Retryable: Postgres does not answer.
            Rejected: its settings cannot be used.
        """
        async with self._turns.setdefault(target_id, asyncio.Lock()):
            async with self._database.system() as connection:
                if not await lines.take(connection, target_id, self._holder):
                    row = None
                else:
                    found = await connection.execute(
                        "SELECT * FROM notify_targets WHERE target_id = %s", [target_id]
                    )
                    row = await found.fetchone()
            held = self._open.get(target_id)
            if row is None:
                await self._close(target_id)
                return None
            if held is not None and held.sending.revision == row["revision"]:
                held.used_at_s = now_s
                return held
            await self._close(target_id)
            opened = self._make(row, now_s)
            self._open[target_id] = opened
            if opened.kind.resident:
                opened.attending = asyncio.create_task(self._attend(opened))
            return opened

    async def close_unused(self, before_s: float, wanted: frozenset[UUID]) -> None:
        """Close what was last used before a time, except what is wanted."""
        unused = [
            target_id
            for target_id, held in self._open.items()
            if held.used_at_s < before_s and target_id not in wanted
        ]
        for target_id in unused:
            async with self._turns.setdefault(target_id, asyncio.Lock()):
                await self._close(target_id)
            self._turns.pop(target_id, None)

    async def close(self) -> None:
        """Close all, and leave their lines to others.

        Raises:
            Retryable: Postgres does not answer; the lines are free a minute later by themselves.
        """
        targets = list(self._open)
        await asyncio.gather(*(self._close(target_id) for target_id in targets))
        async with self._database.system() as connection:
            await lines.let_go(connection, targets, self._holder)

    def _make(self, row: dict[str, Any], now_s: float) -> Open:
        kind = KINDS.get(row["kind"])
        if kind is None:
            raise Rejected(f"there is no kind of target {row['kind']!r}", reason="unknown-kind")
        settings = with_secrets(kind, row["config"], secrets_of(row, self._sealer))
        settings.check()
        opening = Opening(row["target_id"], row["name"], settings, self._surroundings)
        limit = (
            LineConfig(most=row["rate_most"], within_s=row["rate_within_s"])
            if row["rate_most"]
            else LineConfig()
        )
        sending = Sending(
            target_id=row["target_id"],
            organisation_id=row["organisation_id"],
            kind=kind.name,
            collects=kind.collects,
            revision=row["revision"],
            config=limit,
        )
        return Open(sending, kind.open(opening), kind, now_s)

    async def _attend(self, held: Open) -> None:
        """Keep the target up until it is closed; what goes wrong stands in its line."""
        wait_s = ATTEND_FIRST_S
        while True:
            began_s = asyncio.get_running_loop().time()
            try:
                await held.target.attend()
                return
            except (Retryable, Rejected) as error:
                problem = str(error)
            except Exception as error:  # noqa: BLE001 (whatever a client library raises)
                self._log.exception("attending failed in a way that was not foreseen")
                problem = f"a fault of Sightline: {type(error).__name__}"
            if asyncio.get_running_loop().time() - began_s > ATTEND_LAST_S:
                wait_s = ATTEND_FIRST_S
            self._log.warning(
                "a target cannot be attended to",
                target=str(held.sending.target_id),
                kind=held.kind.name,
                error=problem,
            )
            with contextlib.suppress(Retryable):
                async with self._database.system() as connection:
                    await lines.tell_problem(connection, held.sending.target_id, problem)
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, ATTEND_LAST_S)

    async def _close(self, target_id: UUID) -> None:
        held = self._open.pop(target_id, None)
        if held is None:
            return
        if held.attending is not None:
            held.attending.cancel()
            await asyncio.wait([held.attending], timeout=CLOSE_S)
        try:
            async with asyncio.timeout(CLOSE_S):
                await held.target.close()
        except TimeoutError:
            self._log.warning("a target did not close in time", target=str(target_id))
