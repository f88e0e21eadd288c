"""How long after capture an event stands in the cloud's Postgres, and where that time goes.

Run with ``python -m tests.bench.delay [SECONDS]``: the demo's scene at 10 frames a second, with
further lines across its path so that there are enough events for a 99th percentile. Each hop is
the broker's or Postgres's own clock (LogAppendTime, ``stored_at``) less the time of the frame
that decided; the first row is the whole way from the capture of what opened the event.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import yaml

from infra.runtime.kafka import read_all
from producers import scene
from schemas.codec import decode
from schemas.records import Detections, Event, Judged, Matched, Record, Sensed
from tests.bench.printing import at_share, machine, table
from tests.bench.product import apply, new_folder, record, running

SECONDS = 300.0
SETTLE_S = 10.0
LINES = (0.2, 0.3, 0.5, 0.6, 0.7, 0.8)
"""Where the further lines cross the path, parts of the width: away from the edges, where people are
seen but their tracks are not confirmed yet."""
Times = Callable[[Any], Iterator[int]]


def site_yaml() -> str:
    """Return the demo's site with a rule for each of the further lines."""
    document = yaml.safe_load(scene.site_yaml())
    for number, x in enumerate(LINES):
        document["sensors"][f"line-{number}"] = {
            "camera": scene.CAMERA,
            "kind": "line",
            "points": [[x, 0.76], [x + 0.02, 0.55]],
        }
        document["rules"][f"crossing-{number}"] = {
            "when": {"sensor": f"line-{number}", "trigger": "crossed"},
            "group": {"by": "track", "within_s": 5},
            "severity": "info",
        }
    return str(yaml.safe_dump(document, sort_keys=False))


def detected(record: Detections) -> Iterator[int]:
    """Times of the frames looked at."""
    return (reading.at for reading in record.readings if reading.kind == "frame")


def triggered(record: Sensed) -> Iterator[int]:
    """Times of the frames or deadlines that decided triggers."""
    return (trigger.known_at for trigger in record.triggers)


def matched(record: Matched) -> Iterator[int]:
    """The same of candidates."""
    return (candidate.known_at for candidate in record.candidates)


def judged(record: Judged) -> Iterator[int]:
    """The same of the filter's decisions."""
    return (decision.decided_at for decision in record.decisions)


def opened(record: Event) -> Iterator[int]:
    """The same of opened events."""
    return iter([record.at] if record.revision == 1 else [])


HOPS: tuple[tuple[str, str, type[Record], Times], ...] = (
    ("detections", "edge_kafka", Detections, detected),
    ("triggers", "edge_kafka", Sensed, triggered),
    ("candidates", "edge_kafka", Matched, matched),
    ("judged", "edge_kafka", Judged, judged),
    ("up.events", "edge_kafka", Event, opened),
    ("up.events", "cloud_kafka", Event, opened),
)


def topic_delays(bootstrap: str, topic: str, kind: type[Record], times: Times) -> list[float]:
    """Return the seconds from event time to the append, for all that a topic holds."""
    delays: list[float] = []
    for message in read_all(bootstrap, topic):
        read = decode(message.value)
        if isinstance(read, kind):
            delays += [(message.arrived_at - at) / 1000 for at in times(read)]
    return delays


def stored_delays(dsn: str) -> tuple[list[float], list[float]]:
    """Return the seconds to the row from capture, and from the deciding frame."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT extract(epoch FROM stored_at - opened_at)::float8, "
            "extract(epoch FROM stored_at - at)::float8 FROM event_changes WHERE revision = 1"
        ).fetchall()
    return [row[0] for row in rows], [row[1] for row in rows]


def measure(folder: Path, seconds: float) -> dict[str, list[float]]:
    """Run the scene and return the delays of each hop."""
    with running(folder):
        apply(folder, site_yaml())
        time.sleep(seconds + SETTLE_S)
        ends = record(folder).endpoints
        assert ends is not None
        whole, decided = stored_delays(ends.postgres_dsn)
        delays = {"capture → row in Postgres": whole}
        for topic, side, kind, times in HOPS:
            name = f"deciding frame → {topic}, {side.removesuffix('_kafka')}"
            delays[name] = topic_delays(getattr(ends, side), topic, kind, times)
        return delays | {"deciding frame → row in Postgres": decided}


def main() -> None:
    """Print a line for each hop."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    print(f"demo scene for {seconds:g} s; {machine()}")
    with new_folder() as folder:
        delays = measure(folder, seconds)
    whole = next(iter(delays.values()))
    if not whole:
        sys.exit("no event arrived: run the scene for longer")
    reference = at_share(whole, 0.5)
    table(
        ("delay", "measured", "p50 ms", "p99 ms", "p50 / whole"),
        [
            (
                name,
                str(len(values)),
                f"{1000 * at_share(values, 0.5):.0f}",
                f"{1000 * at_share(values, 0.99):.0f}",
                f"{at_share(values, 0.5) / reference:.2f}",
            )
            for name, values in delays.items()
            if values
        ],
    )


if __name__ == "__main__":
    main()
