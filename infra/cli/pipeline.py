"""The stages of a site in one process: the same core as live, joined without Kafka.

What one stage hands to the next goes through the codec as it does there, so nothing differs by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from schemas.codec import decode_as, encode
from schemas.records import Beat, Event, Judged, Matched, Reading, Record, Sensed, Verdict
from schemas.site import SiteConfig
from streams.core import filter as filtering
from streams.core import group as grouping
from streams.core import match as matching
from streams.core import sense as sensing
from streams.inference.readings import beat_reading

R = TypeVar("R", bound=Record)


@dataclass
class Results:
    """What a replay has seen and said, in order."""

    sensed: list[Sensed] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    observations: dict[str, list[Any]] = field(default_factory=dict)
    """By camera: (track, seq, box, score) of every confirmed track."""


class Pipeline:
    """Feeds readings through sense, match, filter and group, one state per key as live."""

    def __init__(self, config: SiteConfig, version: int = 0) -> None:
        self._config = config
        self._version = version
        self._sense: dict[str, tuple[Any, Any]] = {}
        self._decide: dict[str, _Decider] = {}
        self._last: dict[str, Reading] = {}
        self._site_wide = config.site_wide_cameras()
        self.results = Results()

    def feed(self, reading: Reading, partition: int = 0) -> None:
        """Take one reading of one camera; a camera's readings come in order.

        Raises:
            Rejected: the camera is not in the configuration.
        """
        camera = reading.camera
        if camera not in self._sense:
            plan = sensing.CameraPlan.compile(self._config, camera, self._version)
            self._sense[camera] = (sensing.new_state(self._config.site, camera), plan)
        state, plan = self._sense[camera]
        state, sensing_result = sensing.step(state, reading, partition, plan)
        self._sense[camera] = (state, plan)
        self._last[camera] = reading
        self.results.observations.setdefault(camera, []).extend(sensing_result.observations)
        if sensing_result.sensed is not None:
            self._decided(_handed_on(sensing_result.sensed))

    def finish(self) -> None:
        """Let time run on until every timer of every camera is done."""
        for decider in self._decide.values():
            decider.finish()
        horizon = settling_ms(self._config)
        end_at = max(reading.at for reading in self._last.values()) + horizon
        for reading in list(self._last.values()):
            beat = Beat(
                site=self._config.site,
                camera=reading.camera,
                beat_at=end_at,
                state="stalled",
                epoch_at=reading.epoch_at,
                config_version=reading.config_version,
            )
            self.feed(beat_reading(beat, reading.offset + 1))

    def _decided(self, sensed: Sensed) -> None:
        self.results.sensed.append(sensed)
        keys = [sensed.key]
        if sensed.key in self._site_wide:
            keys.append(f"site/{self._config.site}")
        for key in keys:
            if key not in self._decide:
                self._decide[key] = _Decider(self._config, key, self._version)
            grouped = self._decide[key].take(sensed)
            if grouped is not None:
                self.results.events.extend(grouped.events)
                self.results.verdicts.extend(grouped.verdicts)


class _Decider:
    """Match, filter and group of one key."""

    def __init__(self, config: SiteConfig, key: str, version: int) -> None:
        self._match = matching.new_state(config.site, key)
        self._filter = filtering.new_state(config.site, key)
        self._group = grouping.new_state(config.site, key)
        self._match_plan = matching.MatchPlan.compile(config, key, version)
        self._filter_plan = filtering.FilterPlan.compile(config, version)
        self._group_plan = grouping.GroupPlan.compile(config, version)

    def finish(self) -> None:
        """Take in that no frame follows: an absence that still waits never completes."""
        self._match = matching.finish(self._match)

    def take(self, sensed: Sensed) -> grouping.Grouped | None:
        self._match, matched = matching.step(self._match, sensed, self._match_plan)
        record: Matched | None = matched.matched
        if record is None:
            return None
        self._filter, judged = filtering.step(self._filter, _handed_on(record), self._filter_plan)
        decided: Judged | None = judged.judged
        if decided is None:
            return None
        self._group, grouped = grouping.step(self._group, _handed_on(decided), self._group_plan)
        return grouped


def _handed_on(record: R) -> R:
    return decode_as(type(record), encode(record))


def settling_ms(config: SiteConfig) -> int:
    """Return a time after which no timer of this configuration can still be pending.

    The sum of every duration in it: deadlines follow one another at worst.
    """
    seconds = sum(_durations(config.model_dump()))
    return int(seconds * 1000) + FILTER_DEADLINE_MS + 60_000


FILTER_DEADLINE_MS = 10_000


def _durations(value: Any, key: str = "") -> Iterator[float]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _durations(part, str(name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _durations(part, key)
    elif key.endswith("_s") and isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
