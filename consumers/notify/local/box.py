"""The site's deliveries in a file (SQLite), so that a restart neither repeats nor forgets any."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from consumers.notify.occurrence import Occurrence, delivery_id
from consumers.notify.routing import Planned, Told
from schemas.errors import Fatal

NOBODY = UUID(int=0)
"""Stands for the organisation: a site knows none."""
KEPT_MS = 30 * 24 * 3600 * 1000
_TABLES = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS deliveries (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        delivery_id TEXT NOT NULL UNIQUE,
        target_id TEXT NOT NULL,
        event_id TEXT NOT NULL,
        state TEXT NOT NULL,
        content BLOB NOT NULL,
        status TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        due_at INTEGER NOT NULL,
        give_up_at INTEGER NOT NULL,
        planned_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        number INTEGER,
        UNIQUE (target_id, event_id, state)
    );
    CREATE INDEX IF NOT EXISTS waiting ON deliveries (target_id, due_at) WHERE status = 'pending';
    CREATE TABLE IF NOT EXISTS numbers (target_id TEXT PRIMARY KEY, number INTEGER NOT NULL);
"""
# As in the cloud: a state waits for the earlier ones of its event.
_NEXT = """
    SELECT * FROM deliveries d WHERE target_id = ? AND status = 'pending' AND due_at <= ?
        AND NOT EXISTS (SELECT 1 FROM deliveries b WHERE b.target_id = d.target_id
            AND b.event_id = d.event_id AND b.status = 'pending' AND b.place < d.place)
    ORDER BY due_at, place LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose try is noted."""

    delivery_id: UUID
    occurrence: Occurrence
    state: str
    attempt: int
    number: int
    give_up_at: int


class Box:
    """One file; safe for use by several threads."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            Fatal: it cannot be written, or is none of ours.
        """
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sql = sqlite3.connect(path, check_same_thread=False)
            self._sql.row_factory = sqlite3.Row
            self._sql.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise Fatal(
                f"{path} cannot be used for the site's notifications: {error}; "
                "correct SIGHTLINE_DATA_DIR, or move the file away"
            ) from error

    def told(self, event_id: str) -> Told:
        """Return what was planned for an event."""
        with self._lock:
            rows = self._sql.execute(
                "SELECT target_id, state FROM deliveries WHERE event_id = ?", [event_id]
            ).fetchall()
        return frozenset((UUID(row["target_id"]), row["state"]) for row in rows)

    def store(self, found: Occurrence, planned: Sequence[Planned], now_at: int) -> None:
        """Store what is new, on disk when this returns."""
        content = orjson.dumps(found.document())
        with self._lock, self._sql:
            self._sql.executemany(
                "INSERT OR IGNORE INTO deliveries (delivery_id, target_id, event_id, state, "
                "content, status, reason, due_at, give_up_at, planned_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        str(delivery_id(NOBODY, one.target_id, found.event_id, one.state)),
                        *(str(one.target_id), found.event_id, one.state, content, one.status),
                        *(one.reason, one.due_at, one.give_up_at, now_at),
                    )
                    for one in planned
                ],
            )

    def due(self, target_id: UUID, now_at: int) -> bool:
        """Tell whether something is to be sent to a target."""
        with self._lock:
            found: Any = self._sql.execute(_NEXT, [str(target_id), now_at]).fetchone()
        return found is not None

    def claim(self, target_id: UUID, now_at: int) -> Due | None:
        """Return the next delivery to a target, its try noted; None where nothing is due."""
        with self._lock, self._sql:
            row = self._sql.execute(_NEXT, [str(target_id), now_at]).fetchone()
            if row is None:
                return None
            number = row["number"]
            if number is None:
                self._sql.execute(
                    "INSERT INTO numbers VALUES (?, 1) "
                    "ON CONFLICT (target_id) DO UPDATE SET number = number + 1",
                    [str(target_id)],
                )
                number = self._sql.execute(
                    "SELECT number FROM numbers WHERE target_id = ?", [str(target_id)]
                ).fetchone()["number"]
            self._sql.execute(
                "UPDATE deliveries SET attempts = attempts + 1, number = ? WHERE place = ?",
                [number, row["place"]],
            )
        return Due(
            UUID(row["delivery_id"]),
            Occurrence.of_document(orjson.loads(row["content"])),
            row["state"],
            row["attempts"] + 1,
            number,
            row["give_up_at"],
        )

    def end(self, due: Due, status: str, reason: str = "") -> None:
        """Note how it ended."""
        with self._lock, self._sql:
            self._sql.execute(
                "UPDATE deliveries SET status = ?, reason = ? WHERE delivery_id = ?",
                [status, reason, str(due.delivery_id)],
            )

    def again(self, due: Due, at: int, reason: str) -> None:
        """Note when it is tried again."""
        with self._lock, self._sql:
            self._sql.execute(
                "UPDATE deliveries SET due_at = ?, reason = ? WHERE delivery_id = ?",
                [at, reason, str(due.delivery_id)],
            )

    def forget(self, now_at: int) -> None:
        """Remove what is older than 30 days, waiting or not."""
        with self._lock, self._sql:
            self._sql.execute("DELETE FROM deliveries WHERE planned_at < ?", [now_at - KEPT_MS])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._sql.close()
