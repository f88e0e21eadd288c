from __future__ import annotations

import pytest

from producers.recording import Keep, keep
from producers.tails import partition_of
from schemas.site import parse
from schemas.topics import PARTITIONS

HOUR_MS = 3_600_000
RECORDED = "{source: a.mp4, record: continuous, keep_h: %s}"


def kept(*cameras: str) -> Keep | None:
    lines = "".join(f"  camera-{number}: {one}\n" for number, one in enumerate(cameras))
    return keep(parse(f"version: 1\nsite: depot\ncameras:\n{lines}"), 1200)


def test_the_camera_that_asks_for_most_decides() -> None:
    found = kept(RECORDED % 24, RECORDED % 1.5, "{source: a.mp4, keep_h: 100}")
    assert found is not None and found.ms == 24 * HOUR_MS


def test_nobody_asks() -> None:
    hidden = "{source: a.mp4, privacy: [[[0, 0], [1, 0], [1, 1]]]}"
    assert kept("{source: a.mp4}", "{source: a.mp4, record: 'off'}", hidden) is None


@pytest.mark.parametrize("cameras", [1, 2, 5, 200])
def test_the_limit_is_shared_out_to_the_partitions_in_use(cameras: int) -> None:
    found = kept(*[RECORDED % 1] * cameras)
    used = {partition_of(f"camera-{number}".encode(), PARTITIONS) for number in range(cameras)}
    assert found is not None
    assert found.partition_bytes == 1200 // len(used)
