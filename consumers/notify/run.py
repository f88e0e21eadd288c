"""The process that notifies: wiring."""

from __future__ import annotations

import asyncio
from functools import partial

from consumers.access.sealing import Sealer
from consumers.notify.guard import guard_of
from consumers.notify.handling import StoredHandling
from consumers.notify.links import links_of
from consumers.notify.opened import OpenTargets
from consumers.notify.outbox import Outbox
from consumers.notify.reading import Reader
from consumers.notify.sending import Sender
from consumers.notify.targets.mail import server
from consumers.notify.targets.target import Surroundings
from consumers.notify.tidy import keep_tidy
from consumers.notify.vapid import vapid_private_key
from consumers.store.database import Database
from infra.runtime.service import Service
from schemas.errors import Retryable

FIRST_TRY_S = 2.0
CHECK_S = 0.2


def run_notify(service: Service) -> None:
    """Notify until the service stops.

    While Postgres or Kafka is away nothing is lost: events wait in Kafka, deliveries in Postgres.

    Raises:
        Fatal: a setting is missing or wrong, or the Kafka client gave up.
    """
    asyncio.run(_run(service))


async def _run(service: Service) -> None:
    settings = service.settings
    links = links_of(settings)
    guard = guard_of(settings)
    if settings.smtp_url:
        server(settings.smtp_url)
    sealer = Sealer(settings.need("secret_key"))
    async with Database(settings.need("postgres_dsn")) as database:
        vapid = await _key(service, database, sealer)
        if vapid is None:
            return
        around = Surroundings(
            guard=guard,
            smtp_url=settings.smtp_url,
            mail_from=settings.mail_from,
            public_url=links.public_url,
            vapid_private_key=vapid,
        )
        holder = f"notify-{settings.worker}"
        sender = Sender(
            Outbox(database, holder, StoredHandling()),
            OpenTargets(database, holder, sealer, around, service.log),
            links,
            service.log,
        )
        reader = Reader(service, database, sender.poke)
        service.checks["planning"] = lambda: reader.problem
        service.checks["sending"] = lambda: sender.problem
        sending = asyncio.create_task(sender.run())
        reading = asyncio.create_task(reader.run())
        tidying = asyncio.create_task(keep_tidy(database, service.log))
        # Each ends early only by an error; the others are then stopped in order.
        await asyncio.wait([sending, reading, tidying], return_when=asyncio.FIRST_COMPLETED)
        service.stopping.set()
        sending.cancel()
        tidying.cancel()
        outcomes = await asyncio.gather(sending, reading, tidying, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(
                outcome, asyncio.CancelledError
            ):
                raise outcome


async def _key(service: Service, database: Database, sealer: Sealer) -> str | None:
    """Return the key of web push, waiting for Postgres; None where the service is stopped first."""
    while not service.stopping.is_set():
        try:
            return await vapid_private_key(database, sealer)
        except Retryable as error:
            service.checks["sending"] = partial(str, error)
            service.log.warning("waits for Postgres", error=str(error))
            await asyncio.sleep(FIRST_TRY_S)
    return None
