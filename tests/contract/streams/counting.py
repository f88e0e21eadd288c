"""A stage that takes in the beats of cameras, for tests of what is around a stage."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from infra.runtime.kafka import RecordProducer, read_all
from schemas.codec import decode_as
from schemas.records import AppliedConfig, Beat, Record, State
from schemas.site import SiteConfig, digest
from streams.apps.logic import Step, Unit
from streams.apps.states import CLAIM_KEY
from tests.contract.streams.conftest import SITE

CONFIG = "version: 1\nsite: depot-7\ncameras: {gate: {source: 'synthetic:walkers'}}\n"


class Counted(msgspec.Struct):
    """What the stage keeps of a camera: the times of its beats."""

    seen: list[int] = []


class Counting:
    """Takes beats; with ``bad`` it fails on that one, when its state is half changed already."""

    name = "sense"
    sources = ("frames",)
    state_type = Counted

    def __init__(self, bad: int | None = None) -> None:
        self.read = 0
        self._bad = bad

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
        if unit.at == self._bad:
            raise ZeroDivisionError("a fault of ours")
        return Step(state, ())


def apply_config(kafka: str) -> None:
    """Publish the configuration that all beats carry the version of."""
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


def write_beats(kafka: str, cameras: Sequence[str], first: int, last: int) -> None:
    """Write beats of each camera."""
    producer = RecordProducer(kafka, "test")
    for at in range(first, last + 1):
        for camera in cameras:
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
