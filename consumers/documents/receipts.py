"""What sites answer, as it stands in Postgres: the last receipt of each document of a site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import sql

from consumers.api.shapes.configurations import Outcome
from consumers.store.database import Connection
from consumers.sync.applying import RUNS

COLUMNS = sql.SQL(
    "receipt_id, site, document, kind, status, config_version, sha256, errors_json, details_json, at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A site's last word on a document."""

    site: str
    document: str
    kind: str
    status: str
    config_version: int
    sha256: str
    """Of the document that is answered."""
    at: datetime
    faults: tuple[Mapping[str, Any], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Told:
        """Read a row of ``COLUMNS``; what a site wrote there may be anything."""
        faults, details = row["errors_json"], row["details_json"]
        return cls(
            **{name: row[name] for name in ("site", "document", "kind", "status", "sha256", "at")},
            config_version=row["config_version"],
            faults=tuple(one for one in faults if isinstance(one, dict))
            if isinstance(faults, list)
            else (),
            details=details if isinstance(details, dict) else {},
        )

    @property
    def runs(self) -> str | None:
        """The SHA-256 of the text in force after this word on a configuration, if it is told."""
        runs = self.details.get(RUNS) or (self.sha256 if self.status == "applied" else None)
        return runs if isinstance(runs, str) else None

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that a site is armed in after this word on an order."""
        modes = self.details.get("modes")
        return tuple(map(str, modes)) if isinstance(modes, list) else ()


def outcome(sha256: str, told: Told | None) -> Outcome:
    """Tell what became of the document with this SHA-256, as far as the site has said."""
    if told is None or told.sha256 != sha256:
        return "waiting"
    return "applied" if told.status == "applied" else "refused"


async def receipt_of(connection: Connection, site: str, document: str) -> Told | None:
    """Return a site's last receipt for a document."""
    query = sql.SQL("SELECT {} FROM receipts WHERE receipt_id = %s").format(COLUMNS)
    found = await connection.execute(query, [f"{site}/{document}"])
    row = await found.fetchone()
    return None if row is None else Told.from_row(row)
