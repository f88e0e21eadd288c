"""Workers come and go: each input is taken in once, and what was acknowledged is not read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from infra.runtime.configs import ConfigStore
from schemas.topics import PARTITIONS
from streams.apps.stage import Stage
from tests.contract.streams.counting import Counting, apply_config, seen, write_beats

CAMERAS = [f"camera-{number}" for number in range(24)]
WITHIN_S = 90.0


def is_acknowledged(kafka: str) -> bool:
    """Tell whether the group has acknowledged all there is."""
    observer = Consumer({"bootstrap.servers": kafka, "group.id": "sightline.sense"})
    try:
        places = [TopicPartition("frames", partition) for partition in range(PARTITIONS)]
        for place in observer.committed(places, timeout=10):
            _, end = observer.get_watermark_offsets(place, timeout=10)
            if max(place.offset, 0) < end:
                return False
        return True
    finally:
        observer.close()


@asynccontextmanager
async def working(
    kafka: str, name: str, configs: ConfigStore, scratch: Path
) -> AsyncIterator[Counting]:
    """Run a worker meanwhile."""
    logic, stopping = Counting(), asyncio.Event()
    running = asyncio.ensure_future(
        Stage(logic, kafka, name, configs, scratch / name).run(stopping)
    )
    try:
        yield logic
    finally:
        stopping.set()
        await running


async def until(done: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(WITHIN_S):
        while not await asyncio.to_thread(done):
            await asyncio.sleep(0.2)


@pytest.fixture
def configs(kafka: str) -> ConfigStore:
    """Return the configurations, of which there is one."""
    apply_config(kafka)
    return ConfigStore(kafka)


def test_each_input_is_taken_in_once(kafka: str, configs: ConfigStore, tmp_path: Path) -> None:
    async def main() -> None:
        def all_seen(last: int) -> Callable[[], bool]:
            expected = {camera: list(range(1, last + 1)) for camera in CAMERAS}
            return lambda: seen(kafka) == expected

        write_beats(kafka, CAMERAS, 1, 20)
        async with working(kafka, "first", configs, tmp_path) as first:
            await until(all_seen(20))
            async with working(kafka, "second", configs, tmp_path) as second:
                for at in range(21, 61):
                    await asyncio.to_thread(write_beats, kafka, CAMERAS, at, at)
                    await asyncio.sleep(0.1)
                await until(all_seen(60))
                await until(lambda: second.read > 0)
            await asyncio.to_thread(write_beats, kafka, CAMERAS, 61, 80)
            await until(all_seen(80))
            await until(lambda: is_acknowledged(kafka))
            # From an acknowledgement on, not from the beginning, whenever the group changed.
            assert first.read + second.read < 2 * 80 * len(CAMERAS)

        async with working(kafka, "first", configs, tmp_path) as again:
            await asyncio.to_thread(write_beats, kafka, CAMERAS, 81, 81)
            await until(all_seen(81))
            assert again.read == len(CAMERAS)

    try:
        asyncio.run(main())
    finally:
        configs.close()
