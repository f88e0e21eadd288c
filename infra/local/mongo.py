"""The Mongo wire: mongo-java-server on an H2 file. Loopback only, for it has no authentication."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymongo import MongoClient

from infra.local.jvm import MONGO_SERVER, Jvm
from infra.local.part import Part
from infra.local.ports import HOST

HEAP_MIB = 256
PORTS = ("wire",)


def url(port: int) -> str:
    """Return the connection string; the server has no sessions, so no retryable writes."""
    return f"mongodb://{HOST}:{port}/?retryWrites=false"


def probe(port: int) -> None:
    """Ping the server; raises while it does not answer."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        url(port), serverSelectionTimeoutMS=1000, directConnection=True
    )
    with client:
        client.admin.command("ping")


def mongo_part(home: Path, ports: dict[str, int], jvm: Jvm) -> Part:
    """Describe the Mongo wire that keeps its file under ``home``."""
    return Part(
        name="mongo",
        command=jvm.command(
            MONGO_SERVER,
            "sightline.mongo.MongoWireServer",
            str(ports["wire"]),
            str(home / "documents.mv"),
            heap_mib=HEAP_MIB,
        ),
        prepare=lambda: home.mkdir(parents=True, exist_ok=True),
        probe=lambda: probe(ports["wire"]),
        ports=ports,
        stop_grace_s=60.0 if jvm.train_into else 10.0,
    )
