"""Figures of realtime on /metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CLIENTS = Gauge("sightline_realtime_clients", "Clients that follow.")
SENT = Counter("sightline_realtime_sent_total", "Frames handed to clients.")
DROPPED = Counter("sightline_realtime_dropped_total", "Records that slow clients were not told.")
REFUSED = Counter("sightline_realtime_refused_total", "Clients not taken on.", ["reason"])
ENTRIES = Gauge("sightline_realtime_entries", "Records held in memory.")
CATCHING_UP = Counter("sightline_realtime_catching_up_total", "Times Kafka was read back.")
DELAY = Histogram(
    "sightline_realtime_delay_seconds",
    "From the arrival in the cloud's Kafka until the record is handed to the clients.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
