"""When checkpoints are due: each partition once in an interval, downstream after upstream."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Fatal
from schemas.topics import PARTITIONS, STAGES
from streams.apps.checkpoints import CheckpointTimes
from streams.apps.worker import checkpoint_every_s

EVERY_S = 600.0
times = st.floats(1e9, 2e9)


@settings(max_examples=20)
@given(st.sampled_from(STAGES), st.integers(0, PARTITIONS - 1), times)
def test_a_partition_is_due_once_in_an_interval(stage: str, partition: int, start: float) -> None:
    due = CheckpointTimes(stage, EVERY_S)
    found = [due.due(partition, start + second) for second in range(3 * int(EVERY_S))]
    assert found[0], "nothing is known of it yet"
    assert 3 <= sum(found) <= 4
    later = [second for second, one in enumerate(found) if one][1:]
    assert all(b - a == EVERY_S for a, b in pairwise(later))


def test_downstream_stages_have_their_moment_after_upstream_ones() -> None:
    start = math.ceil(1e9 / EVERY_S) * EVERY_S - 1
    moments = []
    for stage in STAGES:
        due = CheckpointTimes(stage, EVERY_S)
        due.due(0, start)
        moments.append(next(s for s in range(int(EVERY_S)) if due.due(0, start + s)))
    assert moments == sorted(set(moments))


def test_partitions_taken_over_again_are_due_at_once() -> None:
    due = CheckpointTimes("sense", EVERY_S)
    assert due.due(0, 1e9) and not due.due(0, 1e9 + 1)
    due.forget()
    assert due.due(0, 1e9 + 1)


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "often"])
def test_a_setting_that_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(Fatal, match="SIGHTLINE_CHECKPOINT_S"):
        checkpoint_every_s(text)
    assert checkpoint_every_s("2.5") == 2.5
