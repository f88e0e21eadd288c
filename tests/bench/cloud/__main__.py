"""The cloud: ``python -m tests.bench.cloud [PART]...``, with the parts streaming, sinks, queries, etl.

``queries`` takes the number of events from the environment variable ``BENCH_EVENTS``; filling the
store with five million takes longer than all else.
"""

from __future__ import annotations

import os
import sys

from tests.bench import cloud_etl
from tests.bench.cloud import queries, sinks, streaming

PARTS = {
    "streaming": streaming.main,
    "sinks": sinks.main,
    "queries": lambda: queries.main(int(os.environ.get("BENCH_EVENTS", queries.EVENTS))),
    "etl": cloud_etl.main,
}


def main() -> None:
    """Run the parts that are named, or all."""
    wanted = sys.argv[1:] or list(PARTS)
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        sys.exit(f"there is no part {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    # Parts that take arguments of their own read them from here.
    sys.argv[1:] = []
    for name in wanted:
        print(f"\n{name}", flush=True)
        PARTS[name]()


if __name__ == "__main__":
    main()
