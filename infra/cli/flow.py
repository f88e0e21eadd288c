"""The live stages joined in one process: each record judged under the version that it carries.

The very wiring of the apps, topics and all, with the outputs of one stage handed to those that
read them instead of written; in the bytes of the topics between, which turn a 1 into a 1.0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from schemas.codec import decode, encode
from schemas.errors import Rejected
from schemas.site import SiteConfig
from streams.apps.logic import Output, StageLogic, Step, Unit
from streams.apps.stages import all_stages

Configs = Callable[[int], SiteConfig]
"""Returns the configuration of a version; Rejected where it is not kept."""
Observe = Callable[[str, Unit, Any, Step], None]
"""Called with each stage, input, plan and what it led to; the state in it is the live one."""


class Flow:
    """Sense, match, filter and group of a whole site, one state for each stage and key."""

    def __init__(
        self,
        configs: Configs,
        states: Mapping[tuple[str, str], Any] | None = None,
    ) -> None:
        """``states`` holds what to begin with, by (stage, key); it is changed in place."""
        self.observe: Observe | None = None
        stages = all_stages()
        self._sense = stages["sense"]
        self._readers: dict[str, list[StageLogic]] = {}
        for stage in stages.values():
            for topic in stage.sources:
                self._readers.setdefault(topic, []).append(stage)
        self._configs = configs
        self._states = dict(states or {})
        self._plans: dict[tuple[str, str, int], Any] = {}
        self.refused: Counter[str] = Counter()
        """Inputs refused, as live, by reason."""

    def state(self, stage: str, key: str) -> Any:
        """Return a state as it is now; None if the key was never met."""
        return self._states.get((stage, key))

    def feed(self, unit: Unit, partition: int) -> list[Output]:
        """Let one reading run through all stages; return everything written on the way."""
        written: list[Output] = []
        self._run(self._sense, unit, partition, written)
        return written

    def _run(self, stage: StageLogic, unit: Unit, partition: int, written: list[Output]) -> None:
        state = self._states.get((stage.name, unit.key))
        if state is None:
            state = stage.new_state(unit.site, unit.key)
        try:
            plan = self._plan(stage, unit.key, stage.version(state, unit))
            step = stage.step(state, unit, partition, plan)
        except Rejected as error:
            self.refused[error.reason] += 1
            return
        if self.observe is not None:
            self.observe(stage.name, unit, plan, step)
        if step.dropped:
            return
        self._states[stage.name, unit.key] = step.state
        for output in step.outputs:
            record = decode(encode(output.record))
            written.append(replace(output, record=record))
            for reader in self._readers.get(output.topic, ()):
                for further in reader.units(record, output.topic):
                    self._run(reader, further, partition, written)

    def _plan(self, stage: StageLogic, key: str, version: int) -> Any:
        place = (stage.name, key, version)
        if place not in self._plans:
            self._plans[place] = stage.plan(self._configs(version), key, version)
        return self._plans[place]
