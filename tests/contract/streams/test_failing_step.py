"""A step that fails unexpectedly costs its own input, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import RecordProducer, read_all
from schemas.codec import decode_as
from schemas.errors import Retryable
from schemas.records import AppliedConfig, Beat, Record, State
from schemas.site import SiteConfig, digest
from schemas.topics import dead_letter_topic
from streams.apps.logic import Step, Unit
from streams.apps.stage import Stage
from streams.apps.states import CLAIM_KEY
from tests.contract.streams.conftest import SITE

CONFIG = "version: 1\nsite: depot-7\ncameras: {gate: {source: 'synthetic:walkers'}}\n"
BAD = 7


class Counted(msgspec.Struct):
    """What the stage below keeps: the beats it took in."""

    seen: list[int] = []


class Counting:
    """Takes beats, and fails on one of them when its state is half changed already."""

    name = "sense"
    sources = ("frames",)
    state_type = Counted

    def units(self, record: Record, topic: str) -> Sequence[Unit]:
        assert isinstance(record, Beat)
        return [Unit(record.site, record.camera, record.config_version, record.beat_at, record)]

    def new_state(self, site: str, key: str) -> Counted:
        return Counted(seen=[])

    def version(self, state: Counted, unit: Unit) -> int:
        return unit.config_version

    def plan(self, config: SiteConfig, key: str, version: int) -> None:
        return None

    def step(self, state: Counted, unit: Unit, partition: int, plan: None) -> Step:
        state.seen.append(unit.at)
        if unit.at == BAD:
            raise ZeroDivisionError("a fault of ours")
        return Step(state, ())


def run(kafka: str, scratch: Path, done: Callable[[], bool]) -> None:
    """Run the stage until ``done``."""
    configs = ConfigStore(kafka)

    async def main() -> None:
        stopping = asyncio.Event()
        running = asyncio.ensure_future(
            Stage(Counting(), kafka, "1", configs, scratch).run(stopping)
        )
        while not running.done() and not await asyncio.to_thread(done):
            await asyncio.sleep(0.2)
        stopping.set()
        await running

    try:
        asyncio.run(main())
    finally:
        configs.close()


def seen(kafka: str) -> list[int]:
    states = [
        decode_as(State, m.value)
        for m in read_all(kafka, "state.sense")
        if m.value and m.key != CLAIM_KEY
    ]
    if not states:
        return []
    newest = max(states, key=lambda state: (state.claim, state.sequence))
    return msgspec.msgpack.decode(newest.body, type=Counted).seen


def test_only_the_input_it_fails_on_is_refused(kafka: str, tmp_path: Path) -> None:
    producer = RecordProducer(kafka, "test")
    config = AppliedConfig(
        config_version=1,
        site=SITE,
        document="site",
        body=CONFIG,
        sha256=digest(CONFIG),
        accepted_at=1,
    )
    producer.send("config", config, key="1")
    for at in range(1, 11):
        beat = Beat(site=SITE, camera="gate", beat_at=at, state="online", config_version=1)
        producer.send("frames", beat, key="gate")
    producer.flush()

    with pytest.raises(Retryable, match="sense fails on gate at frames"):
        run(kafka, tmp_path, lambda: False)
    expected = [at for at in range(1, 11) if at != BAD]
    run(kafka, tmp_path, lambda: seen(kafka) == expected)

    assert seen(kafka) == expected
    (refused,) = read_all(kafka, dead_letter_topic("frames"))
    assert decode_as(Beat, refused.value).beat_at == BAD
    assert b"step-failed" in dict(refused.headers).values()
