"""Started from whichever checkpoints, the stages say again what they said live."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.cli.cuts import Copy, Cut, choose
from infra.cli.flow import Flow
from infra.cli.remarks import Placed, Remarks
from infra.cli.rerun import Said, Stretch
from schemas.codec import decode, encode
from schemas.records import Decision, Judged, Matched, Reading, Remark
from schemas.site import SiteConfig, parse
from schemas.topics import STAGES
from streams.apps.logic import Output, Unit
from streams.apps.stages import all_stages
from tests.unit.streams.core.sensing.scene import EPOCH, SITE, beat, frame, standing

CAMERAS = ("gate", "yard")
LENGTH_S = 24
SITE_KEY = f"site/{SITE}"
FED = {camera: [camera, SITE_KEY] for camera in CAMERAS}


@cache
def config() -> SiteConfig:
    """Return two cameras with a line each, rules of their own and one across both."""
    cross = {c: {"sensor": f"{c}-line", "trigger": "crossed"} for c in CAMERAS}
    group = {"by": "track", "within_s": 2}
    rules: dict[str, Any] = {
        f"{camera}-crossed": {"when": when, "group": group, "cooldown_s": 3}
        for camera, when in cross.items()
    }
    rules["through"] = {
        "when": {"sequence": [cross["gate"], cross["yard"]], "within_s": 6},
        "group": {"by": "site", "within_s": 3},
    }
    document = {
        "version": 1,
        "site": SITE,
        "cameras": {camera: {"source": "synthetic:walkers"} for camera in CAMERAS},
        "sensors": {
            f"{camera}-line": {"camera": camera, "kind": "line", "points": [[0.5, 0.1], [0.5, 1.0]]}
            for camera in CAMERAS
        },
        "rules": rules,
    }
    return parse(json.dumps(document))


@cache
def readings() -> tuple[Reading, ...]:
    """Return walkers that go to and fro, at another pace on each camera."""
    found: list[Reading] = []
    for number, camera in enumerate(CAMERAS):
        period_ms = 6000 + 1400 * number
        for index in range(LENGTH_S * 5):
            at = index * 200 + number * 70
            part = abs((at % period_ms) / period_ms * 2 - 1)
            box = standing(0.1 + 0.8 * part, 0.9)
            found.append(frame(at, [box], camera=camera, seq=index))
            if index % 5 == 4:
                found.append(beat(at + 1, camera=camera))
    found.sort(key=lambda reading: reading.at)
    return tuple(replace(reading, offset=offset) for offset, reading in enumerate(found))


@cache
def plan_of(stage: str, key: str) -> Any:
    """Compile once for all runs."""
    return all_stages()[stage].plan(config(), key, 1)


class Live:
    """The stages apart, each with its own inbox, as fast and as far behind as it likes."""

    def __init__(self) -> None:
        self.stages = all_stages()
        self.states: dict[tuple[str, str], tuple[Any, int, int]] = {}
        self.inboxes: dict[str, deque[Unit]] = {stage: deque() for stage in STAGES}
        self.copies: dict[tuple[str, str], list[Copy]] = {}
        self.said = Said(Stretch(0))
        self.decided: list[tuple[str, Decision]] = []
        self.last: dict[str, tuple[int, int]] = {}
        self.placed: dict[str, list[Placed]] = {}
        for reading in readings():
            unit = Unit(SITE, reading.camera, 1, reading.at, reading)
            self.inboxes["sense"].append(unit)

    def run(self, stage: str, count: int) -> None:
        """Let one stage apply so many inputs."""
        logic, inbox = self.stages[stage], self.inboxes[stage]
        for _ in range(min(count, len(inbox))):
            unit = inbox.popleft()
            held = self.states.get((stage, unit.key))
            state = held[0] if held else logic.new_state(unit.site, unit.key)
            plan = plan_of(stage, unit.key)
            step = logic.step(state, unit, 0, plan)
            sequence = held[1] + 1 if held else 1
            self.states[stage, unit.key] = (step.state, sequence, unit.at)
            for output in step.outputs:
                self._write(output)

    def remark(self, number: int, dismissed: bool) -> None:
        """Let an operator say something of what has been decided."""
        if not self.decided:
            return
        key, decision = self.decided[number % len(self.decided)]
        said = sum(len(found) for found in self.placed.values())
        remark = Remark(
            site=SITE,
            key=key,
            config_version=1,
            remark_id=f"remark-{said}",
            verdict="dismissed" if dismissed else "confirmed",
            author="operator",
            said_at=0,
            camera=decision.candidate.camera,
            decision=decision,
        )
        self.placed.setdefault(key, []).append(Placed(remark, *self.last.get(key, (-1, 0))))
        self.inboxes["filter"] += self.stages["filter"].units(remark, "candidates")

    def copy(self, stage: str) -> None:
        """Write a checkpoint of all of a stage's states."""
        for (name, key), (state, sequence, at) in self.states.items():
            if name == stage:
                position = getattr(state, "applied", -1)
                restore = partial(
                    msgspec.msgpack.decode, msgspec.msgpack.encode(state), type=type(state)
                )
                found = self.copies.setdefault((name, key), [])
                found.append(Copy(at, position, sequence, restore))

    def finish(self) -> None:
        """Let every stage catch up."""
        for stage in STAGES:
            self.run(stage, len(self.inboxes[stage]))

    def _write(self, output: Output) -> None:
        record = decode(encode(output.record))
        self.said.add(record, frozenset(CAMERAS))
        if isinstance(record, Judged):
            self.decided += [(record.key, decision) for decision in record.decisions]
        if isinstance(record, Matched):
            self.last[record.key] = (record.n, record.at)
        for name, logic in self.stages.items():
            if output.topic in logic.sources:
                self.inboxes[name] += logic.units(record, output.topic)


def again(cut: Cut, start: int, placed: Mapping[str, Sequence[Placed]]) -> Said:
    """Run from a cut on."""
    remarks = Remarks(placed, placed)
    flow, said = Flow(lambda _version: config(), cut.states, remarks), Said(Stretch(start))
    for reading in readings():
        if reading.offset <= cut.positions.get(reading.camera, -1):
            continue
        for output in flow.feed(Unit(SITE, reading.camera, 1, reading.at, reading), 0):
            said.add(output.record, frozenset(CAMERAS))
    return said


def written(said: Said, start: int) -> tuple[list[bytes], list[bytes]]:
    """Return the events and verdicts from a time on, as bytes."""
    events = [encode(event) for event in said.events if event.at >= start]
    verdicts = [encode(verdict) for verdict in said.verdicts if verdict.decided_at >= start]
    return sorted(events), sorted(verdicts)


REMARK = "remark"
moves = st.lists(
    st.tuples(st.sampled_from((*STAGES, REMARK)), st.integers(0, 120), st.booleans()), max_size=40
)


@settings(max_examples=30)
@given(moves=moves, start_s=st.floats(0, LENGTH_S))
def test_from_any_whole_cut_the_same_is_said(
    moves: Sequence[tuple[str, int, bool]], start_s: float
) -> None:
    live = Live()
    for stage, count, copied in moves:
        if stage == REMARK:
            live.remark(count, dismissed=copied)
            continue
        live.run(stage, count)
        if copied:
            live.copy(stage)
    live.finish()
    start = EPOCH + round(start_s * 1000)

    cut = choose(live.copies, FED, start)

    assert written(again(cut, start, live.placed), start) == written(live.said, start)


def test_with_a_copy_of_each_stage_in_turn_little_is_run_again() -> None:
    live = Live()
    for _ in range(20):
        for stage in STAGES:
            live.run(stage, 14 if stage == "sense" else len(live.inboxes[stage]))
        for stage in STAGES:
            live.copy(stage)
    live.finish()
    start = EPOCH + 18_000

    cut = choose(live.copies, FED, start)

    assert live.said.events and live.said.verdicts
    assert {stage for stage, _ in cut.states} == set(STAGES)
    assert all(start - 15_000 < at < start for at in cut.since.values())


def test_without_copies_everything_starts_new() -> None:
    cut = choose({}, FED, EPOCH)
    assert not cut.states and not cut.positions


def test_what_operators_said_is_heard_again_where_they_said_it() -> None:
    live = Live()
    for _ in range(12):
        for stage in STAGES:
            live.run(stage, 20 if stage == "sense" else len(live.inboxes[stage]))
        live.remark(0, dismissed=True)
    live.finish()
    said = written(again(Cut(), EPOCH, live.placed), EPOCH)
    assert said == written(live.said, EPOCH)
    revised = [verdict for verdict in live.said.verdicts if verdict.revision == 2]
    assert [verdict.verdict for verdict in revised] == ["suppressed"]
    assert revised[0].event_id is not None
    assert said != written(again(Cut(), EPOCH, {}), EPOCH)
