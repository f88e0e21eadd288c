"""``sightline topics``: the catalogue, and decoded records for subscribers."""

from __future__ import annotations

import dataclasses
import json
import sys
import uuid
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.runtime.kafka import Message, RecordConsumer, create_topics, read_all
from infra.runtime.settings import Settings
from schemas.codec import decode
from schemas.errors import Fatal, Rejected
from schemas.topics import Topic, cloud_topics, site_topics

_SHOWN_BYTES = 16


def register(app: typer.Typer) -> None:
    """Add the ``topics`` commands."""
    topics = typer.Typer(help="The topic catalogue and what is in the topics.")

    @topics.command("list")
    def show(
        site: Annotated[str, typer.Option(help="Site whose topics are meant.")] = "",
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Show every topic: key, records, partitions, how long it is kept, where it goes."""
        Console().print(_table(site_topics(site or _site(data_dir))))

    @topics.command("tail")
    def tail(
        name: Annotated[str, typer.Argument(help="A topic of `sightline topics list`.")],
        cloud: Annotated[bool, typer.Option(help="Read the cloud's copy.")] = False,
        beginning: Annotated[bool, typer.Option(help="From the oldest record kept.")] = False,
        follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Print decoded records as JSON lines: the last ones, or all that come."""
        settings = connect(data_dir)
        known = {topic.name for topic in _topics(settings, cloud)}
        if name not in known:
            raise Fatal(f"there is no topic {name} here: see `sightline topics list`")
        bootstrap = settings.need("cloud_kafka" if cloud else "edge_kafka")
        if not follow:
            messages = read_all(bootstrap, name)
            for message in messages if beginning else messages[-10:]:
                _print(message)
            return
        consumer = RecordConsumer(
            bootstrap, f"tail-{uuid.uuid4()}", [name], from_latest=not beginning
        )
        try:
            while True:
                for message in consumer.read():
                    _print(message)
        except KeyboardInterrupt:
            return
        finally:
            consumer.close()

    @topics.command("create")
    def create(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Create what is missing, on the site's Kafka and the cloud's where they are known."""
        settings = connect(data_dir)
        for cloud, bootstrap in ((False, settings.edge_kafka), (True, settings.cloud_kafka)):
            if bootstrap:
                create_topics(bootstrap, _topics(settings, cloud))

    app.add_typer(topics, name="topics")


def _site(data_dir: Any) -> str:
    try:
        return connect(data_dir).site or "<site>"
    except Fatal:
        return "<site>"


def _topics(settings: Settings, cloud: bool) -> tuple[Topic, ...]:
    site = settings.need("site")
    return cloud_topics(site) if cloud else site_topics(site)


def _table(topics: tuple[Topic, ...]) -> Table:
    table = Table(box=None)
    for column in ("topic", "direction", "key", "records", "partitions", "kept", "about"):
        table.add_column(column)
    for topic in topics:
        table.add_row(
            topic.name,
            topic.direction,
            topic.key,
            ", ".join(record.__name__ for record in topic.records) or "as the source",
            str(topic.partitions),
            _kept(topic),
            topic.about,
        )
    return table


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "compacted"
    if topic.kept_as_configured:
        return "as configured"
    parts = []
    if topic.retention_ms:
        minutes = topic.retention_ms / 60_000
        parts.append(f"{minutes:g} min" if minutes < 1440 else f"{minutes / 1440:g} d")
    if topic.retention_bytes:
        parts.append(f"{topic.retention_bytes >> 20} MiB")
    return ", ".join(parts) or "for ever"


def _print(message: Message) -> None:
    place: dict[str, Any] = {
        "partition": message.partition,
        "offset": message.offset,
        "key": message.key,
    }
    if message.topic.startswith("dlq."):
        place["headers"] = {
            name: value.decode("utf-8", "replace") for name, value in message.headers
        }
        place["value"] = _shown(message.value or b"")
    else:
        try:
            record = decode(message.value) if message.value is not None else None
            place["record"] = type(record).__name__ if record is not None else None
            place["value"] = _shown(dataclasses.asdict(record)) if record is not None else None
        except Rejected as error:
            place["rejected"] = str(error)
    sys.stdout.write(json.dumps(place, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        more = f"… {len(value)} bytes" if len(value) > _SHOWN_BYTES else ""
        return value[:_SHOWN_BYTES].hex() + more
    if isinstance(value, dict):
        return {key: _shown(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(part) for part in value]
    return value
