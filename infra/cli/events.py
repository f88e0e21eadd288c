"""``sightline events``: what happened, live and later, and why each event is one."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from consumers.store.events import get_event, list_events
from consumers.store.following import follow as follow_rows
from infra.cli import local_events
from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.cli.explaining import tree_of
from infra.cli.links import EvidenceLinks
from infra.runtime.kafka import RecordConsumer
from infra.runtime.settings import Settings
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.records import Event

Local = Annotated[
    bool, typer.Option("--local", help="Read the site's own topics: works without the cloud.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
WIDTH = 150


def register(app: typer.Typer) -> None:
    """Add the ``events`` commands."""
    events = typer.Typer(help="Events of a site, from the cloud's Postgres or the site's topics.")

    @events.command("list")
    def show(
        minutes: Annotated[float, typer.Option(help="How far back to look.")] = 24 * 60,
        camera: Annotated[str | None, typer.Option(help="Of this camera only.")] = None,
        rule: Annotated[str | None, typer.Option(help="Of this rule only.")] = None,
        limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
        local: Local = False,
        as_json: AsJson = False,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Show the latest events, newest first."""
        settings = connect(data_dir)
        since = datetime.now(UTC) - timedelta(minutes=minutes)
        if local:
            found: list[Any] = local_events.latest(settings.need("edge_kafka"), since)
            found = [
                event
                for event in found
                if camera in (None, event.camera) and rule in (None, event.rule)
            ][:limit]
        else:
            dsn = settings.need("postgres_dsn")
            found = list(list_events(dsn, since=since, camera=camera, rule=rule, limit=limit))
        if as_json:
            for event in found:
                _print_json(event)
            return
        # An id cut short could not be explained: rather let a narrow terminal wrap.
        Console(width=max(WIDTH, Console().width)).print(_table(found))

    @events.command("follow")
    def follow(
        local: Local = False, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR
    ) -> None:
        """Print each change of an event the moment it is there, until Ctrl-C."""
        settings = connect(data_dir)
        source = _local_changes(settings) if local else follow_rows(settings.need("postgres_dsn"))
        try:
            for change in source:
                if as_json:
                    _print_json(change)
                else:
                    print(_line(change), flush=True)
        except KeyboardInterrupt:
            return

    @events.command("explain")
    def explain(
        event_id: Annotated[str | None, typer.Argument(metavar="[ID]")] = None,
        why_not: Annotated[
            bool, typer.Option("--why-not", help="Say why --camera raised nothing at --at.")
        ] = False,
        camera: Annotated[str | None, typer.Option(help="For --why-not.")] = None,
        at: Annotated[str | None, typer.Option(metavar="ISO", help="For --why-not.")] = None,
        sensor: Annotated[str | None, typer.Option(help="Of --why-not, only this one.")] = None,
        rule: Annotated[str | None, typer.Option(help="Of --why-not, only this one.")] = None,
        within_s: Annotated[
            float, typer.Option(min=0.1, max=600, help="Seconds around --at.")
        ] = 5.0,
        local: Local = False,
        as_json: AsJson = False,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Print where an event comes from, or with --why-not which step kept it from being one."""
        if why_not:
            if camera is None or at is None or event_id is not None:
                raise Rejected("--why-not takes --camera NAME and --at ISO, and no event's id")
            # The stages are needed here alone: the other commands start without them.
            from infra.cli.explaining_absence import look_again, tree_of_answers

            answers, said = look_again(connect(data_dir), camera, at, within_s, sensor, rule)
            if as_json:
                for answer in answers:
                    _print_json(answer)
                return
            tree = tree_of_answers(camera, at, answers, said)
            Console(width=max(WIDTH, Console().width)).print(tree)
            return
        if event_id is None:
            raise Rejected("say which event: its ID, or --why-not --camera NAME --at ISO")
        settings = connect(data_dir)
        if local:
            details: Any = local_events.get(settings.need("edge_kafka"), event_id)
        else:
            details = get_event(settings.need("postgres_dsn"), event_id)
        if details is None:
            raise Rejected(f"there is no event {event_id}: see `sightline events list`")
        if as_json:
            _print_json(details)
            return
        console = Console(width=max(WIDTH, Console().width))
        console.print(tree_of(details))
        if local:
            return
        links = EvidenceLinks(settings)
        for row in details.evidence:
            if row.object_key:
                address = links.link(row.bucket, row.object_key)
                console.print(f"{row.kind}: {address}", soft_wrap=True, markup=False)

    app.add_typer(events, name="events")


def _local_changes(settings: Settings) -> Iterator[Event]:
    consumer = RecordConsumer(
        settings.need("edge_kafka"), f"follow-{uuid.uuid4()}", ["up.events"], from_latest=True
    )
    try:
        while True:
            for message in consumer.read():
                record = decode(message.value)
                if isinstance(record, Event):
                    yield record
    finally:
        consumer.close()


def _table(events: list[Any]) -> Table:
    table = Table(box=None)
    for column in ("opened", "state", "severity", "rule", "camera", "class", "score", "id"):
        table.add_column(column, no_wrap=True, overflow="ignore")
    for event in events:
        table.add_row(
            _clock(event.opened_at),
            event.state,
            event.severity,
            event.rule,
            event.camera,
            event.class_name or "",
            f"{event.score:.2f}",
            event.event_id,
        )
    return table


def _line(change: Any) -> str:
    return (
        f"{_clock(change.at)}  {change.state:<7} {change.severity:<7} {change.rule:<20} "
        f"{change.camera:<12} {change.class_name or '':<8} {change.score:.2f}  {change.event_id}"
    )


def _clock(at: Any) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) else at
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _print_json(value: Any) -> None:
    sys.stdout.write(orjson.dumps(value).decode() + "\n")
    sys.stdout.flush()
