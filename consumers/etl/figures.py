"""The figures that the analytics show on /metrics beside those of every process."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

MARKS = Gauge(
    "sightline_rollup_marks", "Marks that wait: what changed and is not computed yet.", ["turn"]
)
BEHIND = Gauge("sightline_rollup_behind_seconds", "Age of the oldest mark that waits.", ["turn"])
TURN_SECONDS = Histogram(
    "sightline_rollup_turn_seconds",
    "How long computing the marked buckets took.",
    ["subject", "turn"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300),
)
WRITTEN = Counter("sightline_rollup_rows_total", "Rows of rollups written.", ["table"])
SKIPPED = Counter(
    "sightline_rollup_skipped_total",
    "Spans left as they are, for rows of their time may have been removed.",
    ["table"],
)
OBJECTS = Counter(
    "sightline_parquet_objects_total", "Parquet objects written, removed or found equal.", ["what"]
)
CAMERAS = Gauge("sightline_cameras", "Cameras by state, as last heard.", ["site", "state"])
SITE_SILENT = Gauge(
    "sightline_site_silent_seconds", "How long nothing was heard of a site's health.", ["site"]
)
CERTIFICATE = Gauge(
    "sightline_certificate_expires_timestamp_seconds",
    "When the certificate of the cloud's public address ends.",
    ["host"],
)
