"""The product's stage with its own states, with a record for each input, and without any."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import RecordProducer
from schemas.records import State
from schemas.site import SiteConfig
from streams.apps.stage import Stage
from streams.apps.states import FORMAT, KeyState, StateStore, Storable
from tests.bench.state_logic import Counting, Held, Span


class NoConfigs(ConfigStore):
    """Answers without a topic: counting needs no configuration."""

    def __init__(self) -> None:
        self._empty = SiteConfig.model_construct()

    def get(self, version: int, wait_s: float = 0.0) -> SiteConfig:
        return self._empty


class NoStates(StateStore):
    """Stores nothing."""

    def take_dirty(self, partitions: Iterable[int], stored_at: int) -> list[Storable]:
        return []


class EagerStates(StateStore):
    """Writes a state record for each input."""

    def __init__(self, stage: str, bootstrap: str, producer: RecordProducer) -> None:
        super().__init__(stage, Held, bootstrap)
        self._name, self._out = stage, producer

    def put(self, partition: int, key: str, state: KeyState) -> None:
        super().put(partition, key, state)
        record = State(
            stage=self._name,
            key=key,
            sequence=state.sequence,
            format=FORMAT,
            stored_at=int(time.time() * 1000),
            body=msgspec.msgpack.encode(state.value),
        )
        self._out.send(f"state.{self._name}", record, key=key, partition=partition)
        state.dirty = False


class MeasuredStage(Stage):
    """Ends once all inputs are done, their last states stored."""

    def __init__(
        self, logic: Counting, bootstrap: str, scratch: Path, way: str, span: Span
    ) -> None:
        super().__init__(logic, bootstrap, "bench", NoConfigs(), scratch)
        if way == "no state":
            self._states = NoStates(logic.name, Held, bootstrap)
        elif way == "record an input":
            self._states = EagerStates(logic.name, bootstrap, self._producer)
        self._span = span
        self._all_done = asyncio.Event()

    async def measure(self) -> None:
        """Process until all inputs are done."""
        await self.run(self._all_done)

    async def _apply(self, assignment: int, events: Sequence[Any]) -> None:
        await super()._apply(assignment, events)
        if self._span.add(len(events)):
            self._all_done.set()

    async def _store(self, covered: Sequence[Any], states: Sequence[Storable]) -> None:
        await super()._store(covered, states)
        self._span.end()
