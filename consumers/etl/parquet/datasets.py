"""The data sets: their columns, and the rows of a site's day. docs/analytics.md tells the same.

Columns are only ever added, at the end; a test holds this file and the page together. Site, day and
organisation stand in an object's key, not in its columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from consumers.etl.rollups.registry import SUBJECTS

TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "whole": pa.int64(),
    "wholes": pa.list_(pa.int64()),
    "real": pa.float64(),
    "time": pa.timestamp("us", tz="UTC"),
    "path": pa.list_(
        pa.struct([("offset_s", pa.float64()), ("x", pa.float64()), ("y", pa.float64())])
    ),
}


@dataclass(frozen=True, slots=True)
class DataSet:
    """A table of rows by site and UTC day.

    ``query`` selects the columns in the schema's order for ``%(site)s`` and a time from
    ``%(from_at)s`` to ``%(to_at)s``, always in the same order. ``kept_as`` is the kind of retention
    that removes its rows; None: nothing does.
    """

    name: str
    schema: pa.Schema
    query: str
    kept_as: str | None


def _stored(
    table: str, at: str, key: str, columns: str, instead: Mapping[str, str] | None = None
) -> DataSet:
    """Describe stored rows; ``instead`` selects something else for some of the columns."""
    schema = _schema(columns)
    chosen = ", ".join((instead or {}).get(name, name) for name in schema.names)
    query = (
        f"SELECT {chosen} FROM {table} WHERE site = %(site)s "
        f"AND {at} >= %(from_at)s AND {at} < %(to_at)s ORDER BY {at}, {key}"
    )
    return DataSet(table, schema, query, SUBJECTS[table].kept_as)


def _rollup(table: str, keys: str, values: str) -> DataSet:
    """Describe a rollup; a local day lies in the UTC day in which it ends."""
    schema = _schema(f"grain text, bucket_at time, ends_at time, {keys}, {values}")
    order = ", ".join(("grain", "bucket_at", *_schema(keys).names))
    query = (
        f"SELECT {', '.join(schema.names)} FROM {table} WHERE site = %(site)s "
        f"AND ends_at > %(from_at)s AND ends_at <= %(to_at)s ORDER BY {order}"
    )
    return DataSet(table, schema, query, None)


def _schema(columns: str) -> pa.Schema:
    """Return the schema of columns written as ``name type, ...``."""
    return pa.schema(
        [(name, TYPES[kind]) for name, kind in (column.split() for column in columns.split(","))]
    )


_ALL = (
    _stored(
        "events",
        "opened_at",
        "event_id",
        """event_id text, camera text, sensor text, rule text, severity text, mode text, state text,
        verdict text, group_key text, opened_at time, closed_at time, triggers whole, tracks texts,
        class_name text, score real, label text, revision whole, config_version whole, model text,
        model_version text, provenance text""",
        {
            "tracks": "CASE WHEN jsonb_typeof(tracks_json) = 'array' "
            "THEN ARRAY(SELECT jsonb_array_elements_text(tracks_json)) ELSE '{}' END"
        },
    ),
    _stored(
        "verdicts",
        "matched_at",
        "candidate_id",
        """candidate_id text, camera text, sensor text, rule text, track text, class_name text,
        matched_at time, decided_at time, verdict text, event_id text, score real, reasons text,
        revision whole, config_version whole, provenance text""",
    ),
    _stored(
        "counts",
        "minute_at",
        "camera, sensor",
        """camera text, sensor text, minute_at time, forward whole, backward whole, entries whole,
        exits whole, occupancy_max whole, dwell_total_s real, dwell_max_s real, revision whole,
        config_version whole""",
    ),
    _stored(
        "tracks",
        "started_at",
        "track_id",
        """track_id text, camera text, epoch_at time, class_name text, score_mean real,
        score_max real, observations whole, started_at time, ended_at time, path path, zones texts,
        colours texts, config_version whole, model text, model_version text""",
    ),
    _rollup(
        "rollup_counts",
        "camera text, sensor text",
        """forward whole, backward whole, entries whole, exits whole, minutes whole,
        occupancy_max whole, occupancy_sum whole, dwell_total_s real, dwell_max_s real,
        dwell wholes""",
    ),
    _rollup(
        "rollup_events",
        "camera text, rule text, severity text, verdict text, mode text",
        """events whole, closed whole, triggers whole, lasted_total_s real, lasted_max_s real,
        called_true whole, called_false whole""",
    ),
    _rollup(
        "rollup_candidates",
        "camera text, rule text",
        """candidates whole, accepted whole, suppressed whole, dismissed whole, cooling whole,
        shadow whole, false_positive_rate real""",
    ),
    _rollup(
        "rollup_tracks",
        "camera text, class_name text",
        "tracks whole, in_view_total_s real, in_view_max_s real, in_view wholes",
    ),
    _rollup(
        "rollup_uptime", "camera text", "minutes whole, seen_minutes whole, online_minutes whole"
    ),
    _rollup("rollup_heat", "camera text", "tracks whole, cells wholes"),
)
DATASETS: Mapping[str, DataSet] = {dataset.name: dataset for dataset in _ALL}


def exported(subject: str) -> tuple[DataSet, ...]:
    """Return the data sets that change with a subject's rows: those rows, and their rollups."""
    rollups = [rollup.table for rollup in SUBJECTS[subject].rollups]
    return tuple(DATASETS[name] for name in (subject, *rollups) if name in DATASETS)
