"""The watchdog of a worker: Faust can hang in rebalances and recoveries (docs/adr/0003)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.runtime.metrics import LAG
from infra.runtime.watchdog import Watchdog


def worker_watchdog(bootstrap: str, stages: Mapping[str, Sequence[str]]) -> Watchdog:
    """Return a watchdog of the stages' groups that shows how much waits for each.

    Args:
        bootstrap: where the groups are.
        stages: the topics that each stage reads.
    """
    groups = {f"sightline.{stage}": topics for stage, topics in stages.items()}

    def show(group: str, lag: int) -> None:
        LAG.labels(groups[group][0]).set(lag)

    return Watchdog(bootstrap, groups, on_lag=show)
