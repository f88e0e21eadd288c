"""The index row of a piece of evidence in Postgres."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg

from schemas.errors import Fatal, Rejected, Retryable
from schemas.records import Evidence

_COLUMNS = (
    *("evidence_id", "site", "camera", "event_id", "candidate_id", "kind", "status", "reason"),
    *("content_type", "sha256", "size", "from_at", "to_at", "revision", "bucket", "object_key"),
)
# A trigger on the table lets no older revision through.
UPSERT = (
    f"INSERT INTO evidence ({', '.join(_COLUMNS)}) "
    f"VALUES ({', '.join(f'%({name})s' for name in _COLUMNS)}) "
    "ON CONFLICT (evidence_id) DO UPDATE SET "
    + ", ".join(f"{name} = EXCLUDED.{name}" for name in _COLUMNS[1:])
)


class EvidenceIndex:
    """One connection to Postgres, made when needed and made again when lost."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[Any] | None = None

    def store(self, evidence: Evidence, bucket: str | None, object_key: str | None) -> None:
        """Insert or update the row; an older revision changes nothing.

        Raises:
            Retryable: Postgres does not answer.
            Rejected: it refuses these values.
            Fatal: the table is not there.
        """
        values: dict[str, Any] = {
            name: getattr(evidence, name) for name in _COLUMNS if hasattr(evidence, name)
        }
        values.update(
            from_at=_time(evidence.from_at),
            to_at=_time(evidence.to_at),
            bucket=bucket,
            object_key=object_key,
        )
        try:
            self._connected().execute(UPSERT, values)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise Rejected(f"Postgres refuses the index row: {error}", reason="refused") from error
        except psycopg.errors.UndefinedTable as error:
            raise Fatal("the database has no table evidence: run `sightline migrate`") from error
        except psycopg.Error as error:
            self.close()
            raise Retryable(f"Postgres did not take the index row: {error}") from error

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
                options="-c statement_timeout=15000",
            )
        return self._connection


def _time(at: int) -> datetime:
    try:
        return datetime.fromtimestamp(at / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Rejected(f"{at} is no time", reason="bad-time") from error
