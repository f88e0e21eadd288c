"""The figures of notifications on /metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PLANNED = Counter(
    "sightline_notify_planned_total", "Notifications planned, by what becomes of them.", ["status"]
)
SENT = Counter("sightline_notify_sent_total", "Messages that a target took.", ["kind"])
FAILED = Counter(
    "sightline_notify_failed_total", "Tries that failed, by what comes of it.", ["kind", "outcome"]
)
HELD = Counter("sightline_notify_held_total", "Notifications held back by a rate limit.", ["kind"])
CANCELLED = Counter(
    "sightline_notify_cancelled_total", "Notifications that became pointless.", ["reason"]
)
OPEN_CIRCUITS = Gauge("sightline_notify_open_circuits", "Targets that do not answer.", ["kind"])
WAITING = Gauge("sightline_notify_waiting", "Notifications that are due and not sent.")
DELAY = Histogram(
    "sightline_notify_delay_seconds",
    "From an event's change at the site to the target's answer.",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800),
)
