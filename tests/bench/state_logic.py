"""The least that a stage can do, and the span over which its ways are measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from schemas.records import Detections, Record, State
from schemas.site import SiteConfig
from schemas.topics import Topic
from streams.apps.logic import Output, Step, Unit

SOURCE = "bench.detections"
_LARGE = 8 << 20


class Held(msgspec.Struct):
    """What is kept of a camera."""

    count: int
    body: bytes


class Counting:
    """Counts a camera's readings and hands each message on."""

    sources = (SOURCE,)
    state_type = Held

    def __init__(self, name: str, state_bytes: int) -> None:
        self.name = name
        self.output = f"out.{name}"
        self.changelog = f"sightline.{name}-held-changelog"
        self._body = bytes(state_bytes)

    def topics(self) -> list[Topic]:
        """Return what this stage may write to; the changelog's name is Faust's own."""
        states = [
            Topic(name, "camera", kinds, "states", "site", compacted=True, max_message_bytes=_LARGE)
            for name, kinds in ((f"state.{self.name}", (State,)), (self.changelog, ()))
        ]
        return [Topic(self.output, "camera", (Detections,), "outputs", "site"), *states]

    def units(self, record: Record, topic: str) -> Sequence[Unit]:
        assert isinstance(record, Detections)
        return [Unit(record.site, one.camera, 1, one.at, record) for one in record.readings]

    def new_state(self, site: str, key: str) -> Held:
        return Held(0, self._body)

    def version(self, state: Held, unit: Unit) -> int:
        return unit.config_version

    def plan(self, config: SiteConfig, key: str, version: int) -> None:
        return None

    def step(self, state: Held, unit: Unit, partition: int, plan: None) -> Step:
        state.count += 1
        return Step(state, (Output(self.output, unit.body, unit.key),))


@dataclass(frozen=True)
class Cost:
    """Inputs a second of wall time, and processor seconds of the process for one input."""

    rate: float
    cpu_s: float


@dataclass
class Span:
    """Counts inputs done, and measures those after the warm-up."""

    warm_up: int
    total: int
    done: int = 0
    _began: tuple[int, float, float] | None = None
    _ended: tuple[int, float, float] | None = None

    def add(self, inputs: int) -> bool:
        """Count inputs; tell whether all are done."""
        self.done += inputs
        if self._began is None and self.done >= self.warm_up:
            self._began = self._now()
        return self.done >= self.total

    def end(self) -> None:
        """Take in that everything written so far stands at the broker."""
        self._ended = self._now()

    @property
    def cost(self) -> Cost:
        """What the inputs after the warm-up took."""
        assert self._began is not None and self._ended is not None
        inputs, wall_s, cpu_s = (
            end - begin for begin, end in zip(self._began, self._ended, strict=True)
        )
        return Cost(inputs / wall_s, cpu_s / inputs)

    def _now(self) -> tuple[int, float, float]:
        return self.done, time.perf_counter(), time.process_time()
