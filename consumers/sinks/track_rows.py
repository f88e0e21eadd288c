"""Finished tracks as rows of the table that the API searches and the analytics read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from schemas.errors import Fatal, Rejected, Retryable
from schemas.records import Track

_COLUMNS = (
    *("track_id", "site", "camera", "epoch_at", "class_name", "score_mean", "score_max"),
    *("observations", "started_at", "ended_at", "path", "area", "zones", "colours"),
    *("config_version", "model", "model_version"),
)
_KEY = ("site", "track_id", "started_at")
_STAGE = """
CREATE TEMP TABLE IF NOT EXISTS tracks_staged (LIKE tracks INCLUDING DEFAULTS) ON COMMIT DELETE ROWS
"""
# A track told again, after a kill for instance, is longer or the same; a shorter one is an older one.
_UPSERT = f"""
INSERT INTO tracks AS old ({", ".join(_COLUMNS)})
SELECT DISTINCT ON ({", ".join(_KEY)}) {", ".join(_COLUMNS)} FROM tracks_staged
ORDER BY {", ".join(_KEY)}, ended_at DESC, observations DESC
ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _COLUMNS if name not in _KEY)}
WHERE (EXCLUDED.ended_at, EXCLUDED.observations) > (old.ended_at, old.observations)
"""


class TrackIndex:
    """One connection to Postgres, made when needed and made again when lost."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[Any] | None = None

    def store(self, tracks: Sequence[Track]) -> None:
        """Insert or update the rows, all or none; an older telling of a track changes nothing.

        Raises:
            Retryable: Postgres does not answer.
            Rejected: it refuses one of these tracks; storing them one by one tells which.
            Fatal: the table is not there.
        """
        rows = [row_of(track) for track in tracks]
        try:
            connection = self._connected()
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(_STAGE)
                with cursor.copy(f"COPY tracks_staged ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                cursor.execute(_UPSERT)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise Rejected(f"Postgres refuses a track: {error}", reason="refused") from error
        except psycopg.errors.UndefinedTable as error:
            raise Fatal("the database has no table tracks: run `sightline migrate`") from error
        except psycopg.Error as error:
            self.close()
            raise Retryable(f"Postgres did not take the tracks: {error}") from error

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._dsn,
                autocommit=True,
                connect_timeout=5,
                # A server that vanished is noticed within half a minute.
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=4,
                options="-c statement_timeout=60000 -c jit=off",
            )
        return self._connection


def row_of(track: Track) -> tuple[Any, ...]:
    """Return the values of a track's columns.

    Raises:
        Rejected: it has no path, ends before it starts, or a time is none.
    """
    if not track.path:
        raise Rejected(f"track {track.track_id} has no path", reason="no-path")
    if track.ended_at < track.started_at:
        raise Rejected(f"track {track.track_id} ends before it starts", reason="bad-time")
    left, right = min(point.x for point in track.path), max(point.x for point in track.path)
    top, bottom = min(point.y for point in track.path), max(point.y for point in track.path)
    path = [
        value
        for point in track.path
        for value in ((point.at - track.started_at) / 1000, point.x, point.y)
    ]
    return (
        *(track.track_id, track.site, track.camera, _time(track.epoch_at), track.class_name),
        *(track.score_mean, track.score_max, track.observations),
        *(_time(track.started_at), _time(track.ended_at), path),
        f"({right},{bottom}),({left},{top})",
        *(list(track.zones), list(track.colours)),
        *(track.config_version, track.model, track.model_version),
    )


def _time(at: int) -> datetime:
    try:
        return datetime.fromtimestamp(at / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Rejected(f"{at} is no time", reason="bad-time") from error
