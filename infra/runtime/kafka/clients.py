"""The clients that are no member of a group: to read by place, and to ask about topics."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from infra.runtime.kafka.message import CLIENT_LOG

Setting = str | int | bool


def reading_client(
    bootstrap: str, name: str, settings: Mapping[str, Setting] | None = None
) -> Consumer:
    """Return a client that reads the partitions it is given, and commits nothing.

    ``name`` is how the broker knows it, and the group whose offsets it can ask for; ``settings`` are
    librdkafka's.
    """
    known: dict[str, Setting] = {
        "bootstrap.servers": bootstrap,
        "client.id": name,
        "group.id": name,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "allow.auto.create.topics": False,
        "log.connection.close": False,
    }
    return Consumer(known | dict(settings or {}), logger=CLIENT_LOG)


def admin_client(bootstrap: str) -> AdminClient:
    """Return a client that makes, changes and describes topics.

    It must be held by a name until it has answered: one that is forgotten forgets what it was asked.
    """
    return AdminClient(
        {"bootstrap.servers": bootstrap, "log.connection.close": False}, logger=CLIENT_LOG
    )
