"""The live stages joined in one process: each record judged under the version that it carries.

The very wiring of the apps, topics and all, with the outputs of one stage handed to those that
read them instead of written; in the bytes of the topics between, which turn a 1 into a 1.0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from infra.cli.remarks import Remarks
from schemas.codec import decode, encode
from schemas.errors import Rejected
from schemas.records import Matched, Remark
from schemas.site import SiteConfig
from streams.apps.logic import Output, StageLogic, Step, Unit
from streams.apps.stages import all_stages

CANDIDATES = "candidates"
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
        remarks: Remarks | None = None,
    ) -> None:
        """``states`` holds what to begin with, by (stage, key); it is changed in place.

        ``remarks`` are those that operators made meanwhile.
        """
        self.observe: Observe | None = None
        self._remarks = remarks or Remarks()
        self._candidates: set[str] = set()
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
        if stage.name == "filter":
            self._hear(stage, unit, partition, written)
        self._hand_on(self._step(stage, unit, partition), partition, written)
        if stage.name == "filter":
            self._hear(stage, unit, partition, written)

    def _hear(self, stage: StageLogic, unit: Unit, partition: int, written: list[Output]) -> None:
        for remark in self._remarks.due(self._state_for(stage, unit)):
            (heard,) = stage.units(remark, CANDIDATES)
            outputs = self._step(stage, heard, partition)
            # Learned from it is in any case.
            if self._concerns(remark):
                self._hand_on(outputs, partition, written)

    def _concerns(self, remark: Remark) -> bool:
        """Tell whether a remark's candidate is one here too; under other rules it may be none."""
        if self._remarks.is_numbered(remark.key) or remark.decision is None:
            return True
        return remark.decision.candidate.candidate_id in self._candidates

    def _state_for(self, stage: StageLogic, unit: Unit) -> Any:
        state = self._states.get((stage.name, unit.key))
        return stage.new_state(unit.site, unit.key) if state is None else state

    def _step(self, stage: StageLogic, unit: Unit, partition: int) -> tuple[Output, ...]:
        state = self._state_for(stage, unit)
        try:
            plan = self._plan(stage, unit.key, stage.version(state, unit))
            step = stage.step(state, unit, partition, plan)
        except Rejected as error:
            self.refused[error.reason] += 1
            return ()
        if self.observe is not None:
            self.observe(stage.name, unit, plan, step)
        if step.dropped:
            return ()
        self._states[stage.name, unit.key] = step.state
        return step.outputs

    def _hand_on(self, outputs: tuple[Output, ...], partition: int, written: list[Output]) -> None:
        for output in outputs:
            record = decode(encode(output.record))
            written.append(replace(output, record=record))
            if isinstance(record, Matched):
                self._candidates.update(one.candidate_id for one in record.candidates)
            for reader in self._readers.get(output.topic, ()):
                for further in reader.units(record, output.topic):
                    self._run(reader, further, partition, written)

    def _plan(self, stage: StageLogic, key: str, version: int) -> Any:
        place = (stage.name, key, version)
        if place not in self._plans:
            self._plans[place] = stage.plan(self._configs(version), key, version)
        return self._plans[place]
