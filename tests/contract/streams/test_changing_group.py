"""Workers come and go: each input is taken in once, and what was acknowledged is not read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import RecordProducer, read_all
from schemas.codec import decode_as
from schemas.records import AppliedConfig, Beat, Record, State
from schemas.site import SiteConfig, digest
from schemas.topics import PARTITIONS
from streams.apps.logic import Step, Unit
from streams.apps.stage import Stage
from streams.apps.states import CLAIM_KEY
from tests.contract.streams.conftest import SITE

CONFIG = "version: 1\nsite: depot-7\ncameras: {gate: {source: 'synthetic:walkers'}}\n"
CAMERAS = [f"camera-{number}" for number in range(24)]
WITHIN_S = 90.0


class Counted(msgspec.Struct):
    """What the stage below keeps: the beats it took in."""

    seen: list[int] = []


class Counting:
    """Takes beats."""

    name = "sense"
    sources = ("frames",)
    state_type = Counted

    def __init__(self) -> None:
        self.read = 0

    def units(self, record: Record, topic: str) -> Sequence[Unit]:
        assert isinstance(record, Beat)
        self.read += 1
        return [Unit(record.site, record.camera, record.config_version, record.beat_at, record)]

    def new_state(self, site: str, key: str) -> Counted:
        return Counted(seen=[])

    def version(self, state: Counted, unit: Unit) -> int:
        return unit.config_version

    def plan(self, config: SiteConfig, key: str, version: int) -> None:
        return None

    def step(self, state: Counted, unit: Unit, partition: int, plan: None) -> Step:
        # As each stage does: what was stored and not acknowledged yet comes again.
        if state.seen and unit.at <= state.seen[-1]:
            return Step(state, (), dropped="repeat")
        state.seen.append(unit.at)
        return Step(state, ())


def write(kafka: str, first: int, last: int) -> None:
    """Write beats of every camera."""
    producer = RecordProducer(kafka, "test")
    for at in range(first, last + 1):
        for camera in CAMERAS:
            beat = Beat(site=SITE, camera=camera, beat_at=at, state="online", config_version=1)
            producer.send("frames", beat, key=camera)
    producer.flush()


def seen(kafka: str) -> dict[str, list[int]]:
    """Return what is stored of each camera."""
    newest: dict[str, State] = {}
    for message in read_all(kafka, "state.sense"):
        if message.value is None or message.key == CLAIM_KEY:
            continue
        state = decode_as(State, message.value)
        known = newest.get(state.key)
        if known is None or (known.claim, known.sequence) < (state.claim, state.sequence):
            newest[state.key] = state
    return {
        key: msgspec.msgpack.decode(state.body, type=Counted).seen for key, state in newest.items()
    }


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
    producer = RecordProducer(kafka, "test")
    applied = AppliedConfig(
        config_version=1,
        site=SITE,
        document="site",
        body=CONFIG,
        sha256=digest(CONFIG),
        accepted_at=1,
    )
    producer.send("config", applied, key="1")
    producer.flush()
    return ConfigStore(kafka)


def test_each_input_is_taken_in_once(kafka: str, configs: ConfigStore, tmp_path: Path) -> None:
    async def main() -> None:
        def all_seen(last: int) -> Callable[[], bool]:
            expected = {camera: list(range(1, last + 1)) for camera in CAMERAS}
            return lambda: seen(kafka) == expected

        write(kafka, 1, 20)
        async with working(kafka, "first", configs, tmp_path) as first:
            await until(all_seen(20))
            async with working(kafka, "second", configs, tmp_path) as second:
                for at in range(21, 61):
                    await asyncio.to_thread(write, kafka, at, at)
                    await asyncio.sleep(0.1)
                await until(all_seen(60))
                await until(lambda: second.read > 0)
            await asyncio.to_thread(write, kafka, 61, 80)
            await until(all_seen(80))
            await until(lambda: is_acknowledged(kafka))
            # From an acknowledgement on, not from the beginning, whenever the group changed.
            assert first.read + second.read < 2 * 80 * len(CAMERAS)

        async with working(kafka, "first", configs, tmp_path) as again:
            await asyncio.to_thread(write, kafka, 81, 81)
            await until(all_seen(81))
            assert again.read == len(CAMERAS)

    try:
        asyncio.run(main())
    finally:
        configs.close()
