"""The figures that every process shows on /metrics, under one set of names."""

from __future__ import annotations

import shutil
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

RECORDS_IN = Counter("sightline_records_in_total", "Records read.", ["topic"])
RECORDS_OUT = Counter("sightline_records_out_total", "Records written and acknowledged.", ["topic"])
DROPPED = Counter("sightline_dropped_total", "Inputs dropped on purpose.", ["what", "reason"])
DEAD_LETTERS = Counter("sightline_dead_letters_total", "Records refused.", ["topic", "reason"])
LAG = Gauge("sightline_lag_records", "Records waiting to be read.", ["topic"])
DELAY = Histogram(
    "sightline_delay_seconds",
    "From capture to the end of this step, by the host's clock.",
    ["step"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
RECORDED_S = Gauge(
    "sightline_recording_seconds", "How far back continuous video reaches where some has gone."
)
DISK_FREE = Gauge(
    "sightline_disk_free_ratio", "Free share of the disk that the data folder lies on."
)


def watch_disk(folder: Path) -> None:
    """Show how much of the disk is free under ``folder``, or where it will be made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())

    def free() -> float:
        usage = shutil.disk_usage(there)
        return usage.free / usage.total

    DISK_FREE.set_function(free)
