"""Copies of a stage's whole states, written now and then, for replays from the middle.

A partition's states are copied in one go, between two batches of inputs, and may be ahead of what is
stored of them by those applied meanwhile. Each stage and partition has
its moment in the interval, by the wall clock, downstream stages after upstream ones: a downstream
state that has applied all that the upstream one had said makes a whole cut through the flow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.records import Checkpoint
from schemas.topics import STAGES
from streams.apps.states import FORMAT, StateStore

_STAGE_SHARE = 1 / 40
"""Of the interval between two stages' moments; 15 s of 10 min."""
_PARTITION_SHARE = 1 / 600
"""Of the interval between two partitions' moments, so that not all are copied at once; 1 s."""


class CheckpointTimes:
    """When a stage's partitions are due."""

    def __init__(self, stage: str, every_s: float) -> None:
        self._every_s = every_s
        self._share = (STAGES.index(stage) if stage in STAGES else 0) * _STAGE_SHARE
        self._rounds: dict[int, int] = {}

    def due(self, partition: int, now_s: float) -> bool:
        """Tell whether a partition is to be copied at ``now_s``, seconds of the wall clock.

        Each once in an interval, and at once where none is known of.
        """
        shift_s = (self._share + partition * _PARTITION_SHARE) * self._every_s
        current = int((now_s - shift_s) // self._every_s)
        if self._rounds.get(partition) == current:
            return False
        self._rounds[partition] = current
        return True

    def forget(self) -> None:
        """Take in that the partitions may be another worker's now."""
        self._rounds.clear()


def checkpoints_of(
    stage: str,
    partition: int,
    states: StateStore,
    positions: Mapping[tuple[str, int], int],
    stored_at: int,
) -> Iterator[Checkpoint]:
    """Yield a record for each key of a partition.

    ``positions`` holds the last offset applied by (topic, partition). A key of which nothing was
    applied since its state was restored has no position: its earlier record says all of it.
    """
    for key, state in states.of(partition).items():
        if state.source is None:
            continue
        yield Checkpoint(
            stage=stage,
            partition=partition,
            offset=positions[state.source, partition],
            key=key,
            sequence=state.sequence,
            format=FORMAT,
            stored_at=stored_at,
            body=states.packed(state),
            at=state.at,
        )
