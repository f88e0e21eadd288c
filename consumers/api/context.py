"""What routes stand on: the stores and the way into Kafka, opened once for the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from starlette.requests import HTTPConnection

from consumers.sinks.objects import ObjectStore
from consumers.store.database import Database
from infra.runtime.kafka import RecordProducer
from infra.runtime.settings import Settings
from schemas.records import Record

MONGO_DATABASE = "sightline"
MONGO_TIMEOUT_MS = 5000


class Publisher:
    """Records into the cloud's Kafka, each acknowledged before the call returns."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = RecordProducer(bootstrap, "sightline.api", linger_ms=0)

    async def send(self, topic: str, record: Record, key: str) -> None:
        """Write one record and wait until the broker has it.

        Raises:
            Rejected: the record cannot be encoded.
            Retryable: Kafka did not acknowledge it.
        """
        self._producer.send(topic, record, key=key)
        await asyncio.to_thread(self._producer.flush, 10)


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the running API."""

    settings: Settings
    database: Database
    mongo: AsyncDatabase[dict[str, Any]]
    objects: ObjectStore
    publisher: Publisher


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Context]:
    """Yield the parts; none of them needs to answer yet.

    Raises:
        Fatal: a setting is missing.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.need("postgres_dsn")))
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            settings.need("mongo_url"), serverSelectionTimeoutMS=MONGO_TIMEOUT_MS
        )
        stack.push_async_callback(client.close)
        yield Context(
            settings,
            database,
            client[MONGO_DATABASE],
            ObjectStore.from_settings(settings),
            Publisher(settings.need("cloud_kafka")),
        )


def context(connection: HTTPConnection) -> Context:
    """Return the parts of the app that a request came to."""
    return cast(Context, connection.app.state.context)


Parts = Annotated[Context, Depends(context)]
"""For the parameters of routes."""
