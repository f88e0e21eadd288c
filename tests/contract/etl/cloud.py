"""A cloud's database: what sites send goes in, rollups come out."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg

from consumers.etl.marks import Turn
from consumers.etl.recomputing import rebuild, take_turn
from consumers.etl.rollups.registry import SUBJECTS
from consumers.sinks.track_rows import TrackIndex
from schemas.records import Count, Event, Health, Receipt, Track, Verdict
from tests.contract.consumers.store_rows import upsert

TABLES = {
    Event: "events",
    Verdict: "verdicts",
    Count: "counts",
    Health: "health",
    Receipt: "receipts",
}
ROLLUPS = tuple(rollup.table for subject in SUBJECTS.values() for rollup in subject.rollups)
TURNS: tuple[Turn, ...] = ("minute", "hour", "day")


class Cloud:
    """One database."""

    def __init__(self, connection: psycopg.Connection[Any], dsn: str) -> None:
        self.connection = connection
        self.dsn = dsn

    def arrive(self, *records: Any) -> None:
        """Store records as the sinks do."""
        for record in records:
            if isinstance(record, Track):
                with closing(TrackIndex(self.dsn)) as index:
                    index.store([record])
            else:
                upsert(self.connection, TABLES[type(record)], record)

    def organisation(self, slug: str, *sites: str, timezone: str = "UTC") -> str:
        """Make an organisation with these sites, and return its id."""
        row = self.connection.execute(
            "INSERT INTO organisations (slug, name) VALUES (%s, %s) RETURNING organisation_id::text",
            [slug, slug],
        ).fetchone()
        assert row is not None
        for site in sites:
            self.connection.execute("SELECT sightline_give_site(%s, %s)", [site, row[0]])
            self.zone(site, timezone)
        return str(row[0])

    def zone(self, site: str, timezone: str) -> None:
        """Set a site's time zone; the site is made if need be."""
        self.connection.execute(
            "INSERT INTO sites (site, timezone) VALUES (%s, %s) "
            "ON CONFLICT (site) DO UPDATE SET timezone = EXCLUDED.timezone",
            [site, timezone],
        )

    def turn(self, turn: Turn, subjects: Iterable[str] = SUBJECTS) -> int:
        """Take one turn of the subjects; return how many marks they took."""
        return sum(take_turn(self.connection, subject, turn) for subject in subjects)

    def settle(self) -> None:
        """Compute until nothing is marked but for Parquet."""
        while sum(self.turn(turn) for turn in TURNS):
            pass

    def rebuild(self, from_at: datetime, to_at: datetime, site: str | None = None) -> int:
        """Rebuild; return how many rows were written."""
        return sum(
            written.total() for _, _, written in rebuild(self.connection, from_at, to_at, site)
        )

    def figures(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all rollups."""
        return {table: sorted(self.rows(f"SELECT * FROM {table}"), key=repr) for table in ROLLUPS}

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.connection.execute(query.encode(), values or None).fetchall()

    def forget(self) -> None:
        """Empty all rollups."""
        self.connection.execute(f"TRUNCATE {', '.join(ROLLUPS)}".encode())


def at(text: str) -> datetime:
    """Return a time of UTC written in ISO format."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ms(text: str) -> int:
    """Return the same in milliseconds."""
    return round(at(text).timestamp() * 1000)
