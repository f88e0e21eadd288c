"""The four stages: how the core's steps read and write topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from schemas.errors import Rejected
from schemas.records import Detections, Judged, Matched, Record, Remark, Sensed, StageAnswer
from schemas.site import Camera, SiteConfig, milliseconds
from streams.apps.logic import Output, StageLogic, Step, Unit
from streams.apps.narrowing import OfConfig, Parts
from streams.core import filter as filtering
from streams.core import group as grouping
from streams.core import match as matching
from streams.core import sense as sensing

SITE_TRIGGERS = "site-triggers"
_SETTLING_MS = 60_000
"""What waits for its verdict is decided long before."""


class Sense:
    """detections → triggers, up.tracks, up.counts; keyed by camera."""

    name = "sense"
    sources = ("detections",)
    state_type = sensing.CameraState

    def __init__(self) -> None:
        self._parts = OfConfig(lambda config, _: Parts(config))

    def units(self, record: Record, topic: str) -> Sequence[Unit]:
        """One unit per reading."""
        if not isinstance(record, Detections):
            raise _unexpected(record, topic)
        for reading in record.readings:
            if not 4 * len(reading.scores) == 4 * len(reading.labels) == len(reading.boxes):
                raise Rejected(
                    f"frame {reading.seq} of {reading.camera} has {len(reading.boxes)} box edges for "
                    f"{len(reading.scores)} scores and {len(reading.labels)} labels",
                    reason="uneven-objects",
                )
        return [
            Unit(record.site, reading.camera, reading.config_version, reading.at, reading)
            for reading in record.readings
        ]

    def new_state(self, site: str, key: str) -> Any:
        """A camera never met."""
        return sensing.new_state(site, key)

    def version(self, state: Any, unit: Unit) -> int:
        """The version the input carries."""
        return unit.config_version

    def plan(self, config: SiteConfig, key: str, version: int) -> Any:
        """Compile the camera's sensors, and for how long rules beyond the camera would need it."""
        part = self._parts.of(config, version).of(key)
        known = part if key in config.cameras else _without_sensors(config, key)
        return sensing.CameraPlan.compile(known, key, version), lingering_ms(part, key)

    def step(self, state: Any, unit: Unit, partition: int, plan: Any) -> Step:
        """Track and sense one reading."""
        camera_plan, linger_ms = plan
        state, result = sensing.step(state, unit.body, partition, camera_plan)
        place = f"{unit.site}/{unit.key}"
        outputs = [Output("up.tracks", track, place) for track in result.tracks]
        outputs += [Output("up.counts", count, place) for count in result.counts]
        if result.sensed is not None:
            outputs.append(Output("triggers", result.sensed, unit.key))
            wide = _beyond(state, result.sensed, linger_ms)
            if wide is not None:
                outputs.append(Output(SITE_TRIGGERS, wide, unit.site))
        return Step(state, tuple(outputs), result.dropped)


class Match:
    """triggers → candidates; what concerns several cameras comes through ``site-triggers``."""

    name = "match"
    sources = ("triggers", SITE_TRIGGERS)
    state_type = matching.MatchState

    def __init__(self) -> None:
        self._parts = OfConfig(lambda config, _: Parts(config))

    def units(self, record: Record, topic: str) -> Sequence[Unit]:
        """One unit per message."""
        unit = _keyed(record, Sensed, topic)
        return [replace(unit, key=f"site/{unit.site}") if topic == SITE_TRIGGERS else unit]

    def new_state(self, site: str, key: str) -> Any:
        """A key never met."""
        return matching.new_state(site, key)

    def version(self, state: Any, unit: Unit) -> int:
        """The version the input carries; across cameras the lowest of those concerned."""
        return matching.version_for(state, unit.body)

    def plan(self, config: SiteConfig, key: str, version: int) -> Any:
        """Compile the rules that belong to the key."""
        return matching.MatchPlan.compile(self._parts.of(config, version).of(key), key, version)

    def step(self, state: Any, unit: Unit, partition: int, plan: Any) -> Step:
        """Match one input."""
        state, result = matching.step(state, unit.body, plan)
        outputs = (Output("candidates", result.matched, unit.key),) if result.matched else ()
        return Step(state, outputs, result.dropped)


class Filter:
    """candidates → judged."""

    name = "filter"
    sources = ("candidates",)
    state_type = filtering.FilterState

    def __init__(self) -> None:
        self._plan = OfConfig(filtering.FilterPlan.compile)

    def units(self, record: Record, topic: str) -> Sequence[Unit]:
        """One unit per message; an operator's remark is put in order among the candidates."""
        if isinstance(record, Remark):
            unit = Unit(record.site, record.key, record.config_version, record.said_at, record)
            return [unit]
        return [_keyed(record, Matched, topic)]

    def new_state(self, site: str, key: str) -> Any:
        """A key never met."""
        return filtering.new_state(site, key)

    def version(self, state: Any, unit: Unit) -> int:
        """The version the input carries; a remark is taken in under that of the input before."""
        if isinstance(unit.body, Remark):
            return state.config_version or unit.config_version
        return unit.config_version

    def plan(self, config: SiteConfig, key: str, version: int) -> Any:
        """Compile the checks of every rule, once for all keys."""
        return self._plan.of(config, version)

    def step(self, state: Any, unit: Unit, partition: int, plan: Any) -> Step:
        """Judge one input."""
        state, result = filtering.step(state, unit.body, plan)
        outputs = (Output("judged", result.judged, unit.key),) if result.judged else ()
        return Step(state, outputs, result.dropped)


class Group:
    """judged → up.events, up.verdicts."""

    name = "group"
    sources = ("judged",)
    state_type = grouping.GroupState

    def __init__(self) -> None:
        self._plan = OfConfig(grouping.GroupPlan.compile)

    def units(self, record: Record, topic: str) -> Sequence[Unit]:
        """One unit per message."""
        return [_keyed(record, Judged, topic)]

    def new_state(self, site: str, key: str) -> Any:
        """A key never met."""
        return grouping.new_state(site, key)

    def version(self, state: Any, unit: Unit) -> int:
        """The version the input carries."""
        return unit.config_version

    def plan(self, config: SiteConfig, key: str, version: int) -> Any:
        """Compile grouping, cool-down and severity of every rule, once for all keys."""
        return self._plan.of(config, version)

    def step(self, state: Any, unit: Unit, partition: int, plan: Any) -> Step:
        """Group one input."""
        cooling = len(state.cooling)
        state, result = grouping.step(state, unit.body, plan)
        outputs = [Output("up.events", event, event.event_id) for event in result.events]
        outputs += [
            Output("up.verdicts", verdict, verdict.candidate_id) for verdict in result.verdicts
        ]
        # Open events are large, and a beat that closes none and ends no cool-down changes nothing.
        changed = bool(outputs) or len(state.cooling) != cooling
        return Step(state, tuple(outputs), result.dropped, changed)


def _without_sensors(config: SiteConfig, camera: str) -> SiteConfig:
    """Return what holds for a camera that was taken out: its tracks end, and its time goes on."""
    gone = Camera.model_validate({"source": "synthetic:gone"})
    return config.model_copy(update={"cameras": {camera: gone}, "sensors": {}, "rules": {}})


def lingering_ms(config: SiteConfig, camera: str) -> int | None:
    """Return how long after its last word what rules beyond a camera began may last; None: no rule.

    A configuration may let go of a camera while an event of such a rule is open: it closes, and the
    other cameras go on, only because this one's time does.
    """
    wide = [rule for rule in config.rules if camera in config.cameras_of(rule)]
    wide = [rule for rule in wide if config.is_site_wide(rule)]
    within_s = [config.rules[rule].group.within_s for rule in wide]
    return milliseconds(max(within_s)) + _SETTLING_MS if within_s else None


def _beyond(state: Any, sensed: Sensed, linger_ms: int | None) -> Sensed | None:
    """Return what a camera says for rules beyond it: all, its time for a while, or nothing."""
    if linger_ms is not None:
        state.site_until = sensed.at + linger_ms
        return sensed
    if state.site_until is None or sensed.beat is None:
        return None
    if sensed.at >= state.site_until:
        state.site_until = None
        return replace(sensed, beat="offline", triggers=(), reports=())
    return replace(sensed, triggers=(), reports=())


def all_stages() -> dict[str, StageLogic]:
    """Return the stages by name, in the order of the flow."""
    stages: tuple[StageLogic, ...] = (Sense(), Match(), Filter(), Group())
    return {stage.name: stage for stage in stages}


def _keyed(record: Record, kind: type[StageAnswer], topic: str) -> Unit:
    if not isinstance(record, kind):
        raise _unexpected(record, topic)
    return Unit(record.site, record.key, record.config_version, record.at, record)


def _unexpected(record: Record, topic: str) -> Rejected:
    return Rejected(
        f"a {type(record).__name__} does not belong into {topic}", reason="unexpected-record"
    )
