"""What routes stand on: the stores and the way into Kafka, opened once for the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from starlette.requests import HTTPConnection

from consumers.access.messages import Messenger
from consumers.access.sealing import Sealer
from consumers.api.outbox import Outbox
from consumers.api.publishing import Publisher
from consumers.sinks.objects import ObjectStore
from consumers.store.database import Database
from infra.runtime.settings import Settings

MONGO_DATABASE = "sightline"
MONGO_TIMEOUT_MS = 5000


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the running API."""

    settings: Settings
    database: Database
    mongo: AsyncDatabase[dict[str, Any]]
    objects: ObjectStore
    publisher: Publisher
    outbox: Outbox


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Context]:
    """Yield the parts; none of them needs to answer yet.

    Raises:
        Fatal: a setting is missing or cannot be read, or the secret is too short.
    """
    # Said at the start, not to whoever first logs in.
    Sealer(settings.need("secret_key"))
    Messenger.from_settings(settings)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.need("postgres_dsn")))
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            settings.need("mongo_url"), serverSelectionTimeoutMS=MONGO_TIMEOUT_MS
        )
        stack.push_async_callback(client.close)
        publisher = Publisher(settings.need("cloud_kafka"))
        outbox = Outbox(database, publisher)
        await stack.enter_async_context(outbox.running())
        yield Context(
            settings,
            database,
            client[MONGO_DATABASE],
            ObjectStore.from_settings(settings),
            publisher,
            outbox,
        )


def context(connection: HTTPConnection) -> Context:
    """Return the parts of the app that a request came to."""
    return cast(Context, connection.app.state.context)


Parts = Annotated[Context, Depends(context)]
"""For the parameters of routes."""
