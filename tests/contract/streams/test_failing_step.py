"""A step that fails unexpectedly costs its own input, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import read_all
from schemas.codec import decode_as
from schemas.errors import Retryable
from schemas.records import Beat
from schemas.topics import dead_letter_topic
from streams.apps.stage import Stage
from tests.contract.streams.counting import Counting, apply_config, seen, write_beats

BAD = 7


def run(kafka: str, scratch: Path, done: Callable[[], bool]) -> None:
    """Run the stage until ``done``."""
    configs = ConfigStore(kafka)

    async def main() -> None:
        stopping = asyncio.Event()
        running = asyncio.ensure_future(
            Stage(Counting(BAD), kafka, "1", configs, scratch).run(stopping)
        )
        while not running.done() and not await asyncio.to_thread(done):
            await asyncio.sleep(0.2)
        stopping.set()
        await running

    try:
        asyncio.run(main())
    finally:
        configs.close()


def test_only_the_input_it_fails_on_is_refused(kafka: str, tmp_path: Path) -> None:
    apply_config(kafka)
    write_beats(kafka, ["gate"], 1, 10)

    with pytest.raises(Retryable, match="sense fails on gate at frames"):
        run(kafka, tmp_path, lambda: False)
    expected = [at for at in range(1, 11) if at != BAD]
    run(kafka, tmp_path, lambda: seen(kafka) == {"gate": expected})

    assert seen(kafka) == {"gate": expected}
    (refused,) = read_all(kafka, dead_letter_topic("frames"))
    assert decode_as(Beat, refused.value).beat_at == BAD
    assert b"step-failed" in dict(refused.headers).values()
