"""What the stages did with one camera around one moment, noted while they run once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.errors import Rejected
from schemas.records import Candidate, Decision, Event, Reading, Trigger, Verdict
from streams.apps.logic import Step, Unit
from streams.core.geometry import anchor_of, heading_deg, in_polygon
from streams.core.sensing.plan import CameraPlan
from streams.core.sensors.base import Seen
from streams.core.tracking.detections import MIN_SCORE, Selection, answered

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Detected:
    """One object that a model found, and why it does not count; None: it does."""

    label: str
    score: float
    box: Box
    dropped: str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """One frame and what came of it."""

    at: int
    outcome: str
    reason: str | None
    model: str
    detected: tuple[Detected, ...]


@dataclass
class Followed:
    """One track around the moment."""

    track: str
    class_name: str = ""
    score: float = 0.0
    observations: int = 0
    started_at: int = 0
    seen_at: int = 0
    confirmed_at: int | None = None
    """Time of the first frame around the moment at which it was confirmed."""
    path: list[Seen] = field(default_factory=list)


@dataclass
class Found:
    """Everything noted; times in UTC ms."""

    camera: str
    at: int
    within_ms: int
    beats: list[tuple[int, str]] = field(default_factory=list)
    looks: list[Looked] = field(default_factory=list)
    tracks: dict[str, Followed] = field(default_factory=dict)
    triggers: list[Trigger] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    """By id, as last told."""
    modes: tuple[str, ...] = ()
    """Armed when the last trigger around the moment was matched."""
    birth_score: float = 0.0
    version: int = 0
    """Of the configuration that the camera was judged under."""
    reached: int = 0
    """How far the camera's time has come."""

    def __contains__(self, at: int) -> bool:
        return abs(at - self.at) <= self.within_ms


class Probe:
    """Given to a flow, notes what it does; changes nothing."""

    def __init__(self, camera: str, at: int, within_ms: int) -> None:
        self.found = Found(camera, at, within_ms)

    def __call__(self, stage: str, unit: Unit, plan: Any, step: Step) -> None:
        """Note one step."""
        if stage == "sense" and unit.key == self.found.camera and step.dropped is None:
            self._sense(unit.body, plan[0], step.state)
        elif (
            stage == "match"
            and unit.key in (self.found.camera, f"site/{unit.site}")
            and any(trigger.triggered_at in self.found for trigger in unit.body.triggers)
        ):
            self.found.modes = tuple(getattr(step.state, "modes", ()))
        for output in step.outputs:
            self._output(output.topic, output.record)

    def _sense(self, reading: Reading, plan: CameraPlan, state: Any) -> None:
        found = self.found
        found.reached = max(found.reached, reading.at)
        if reading.at not in found:
            return
        found.birth_score, found.version = plan.birth_score, reading.config_version
        if reading.kind == "beat":
            found.beats.append((reading.at, reading.state))
            return
        detected = detections(reading, plan.selection) if reading.outcome == "ok" else ()
        found.looks.append(
            Looked(reading.at, reading.outcome, reading.reason, reading.model, detected)
        )
        for track in state.tracks if reading.outcome == "ok" else ():
            if track.seen_at == reading.at:
                self._follow(track, reading, plan, state.recent.get(track.track_id, ()))

    def _follow(
        self, track: Any, reading: Reading, plan: CameraPlan, recent: Sequence[Any]
    ) -> None:
        followed = self.found.tracks.setdefault(track.track_id, Followed(track.track_id))
        evidence = track.evidence
        followed.class_name, followed.score = evidence.class_name, evidence.score
        followed.observations, followed.started_at = evidence.observations, evidence.started_at
        followed.seen_at = reading.at
        if track.confirmed and followed.confirmed_at is None:
            followed.confirmed_at = reading.at
        box = _box(track, reading, recent)
        if box is None:
            return
        aspect = reading.width / reading.height
        heading = speed = None
        if len(recent) > 1:
            (began_at, *before), (_, *here) = recent[0], recent[-1]
            if before != here:
                heading = heading_deg((before[0], before[1]), (here[0], here[1]), aspect)
            speed = _speed(plan, before, here, reading.at - began_at)
        seen = Seen(
            track=track.track_id,
            class_name=followed.class_name,
            at=reading.at,
            known_at=reading.at,
            aspect=aspect,
            box=box,
            heading_deg=heading,
            speed=speed,
        )
        followed.path.append(seen)

    def _output(self, topic: str, record: Any) -> None:
        found = self.found
        if topic == "triggers" and record.key == found.camera:
            found.triggers += [t for t in record.triggers if t.triggered_at in found]
        elif topic == "candidates":
            found.candidates += [c for c in record.candidates if self._concerns(c)]
        elif topic == "judged":
            for decision in record.decisions:
                if self._concerns(decision.candidate):
                    found.decisions[decision.candidate.candidate_id] = decision
        elif isinstance(record, Verdict):
            found.verdicts[record.candidate_id] = record
        elif isinstance(record, Event):
            found.events[record.event_id] = record

    def _concerns(self, candidate: Candidate) -> bool:
        mine = any(
            trigger.camera == self.found.camera and trigger.triggered_at in self.found
            for trigger in candidate.triggers
        )
        own = candidate.camera == self.found.camera and candidate.matched_at in self.found
        return mine or own


def detections(reading: Reading, selection: Selection) -> tuple[Detected, ...]:
    """Return what the models found in a frame, each with why it does not count."""
    try:
        parts = answered(reading)
    except Rejected:
        return ()
    limits = dict(selection.model_classes)
    found: list[Detected] = []
    index = 0
    for part in parts:
        for _ in range(part.objects):
            x1, y1, x2, y2 = reading.boxes[4 * index : 4 * index + 4]
            label, score, box = reading.labels[index], reading.scores[index], (x1, y1, x2, y2)
            found.append(
                Detected(label, score, box, _why(label, score, box, limits, part.model, selection))
            )
            index += 1
    return tuple(found)


def _why(
    label: str,
    score: float,
    box: Box,
    limits: dict[str, frozenset[str]],
    model: str,
    selection: Selection,
) -> str | None:
    if score < MIN_SCORE:
        return f"below {MIN_SCORE:g}"
    for classes in (selection.classes, limits.get(model)):
        if classes is not None and label not in classes:
            return "not among the camera's classes"
    anchor = anchor_of(box, "bottom")
    if any(in_polygon(polygon, anchor) for polygon in selection.ignore):
        return "in an ignore polygon"
    return None


def _box(track: Any, reading: Reading, recent: Sequence[Any]) -> Box | None:
    """Return the box that a track was seen in: its anchor tells which."""
    if track.waiting:
        last = track.waiting[-1].box
        return (last[0], last[1], last[2], last[3])
    if not recent:
        return None
    for index in range(len(reading.scores)):
        x1, y1, x2, y2 = reading.boxes[4 * index : 4 * index + 4]
        if anchor_of((x1, y1, x2, y2), "bottom") == tuple(recent[-1][1:]):
            return (x1, y1, x2, y2)
    return None


def _speed(plan: CameraPlan, before: Any, here: Any, ms: int) -> float | None:
    if plan.ground is None or ms <= 0:
        return None
    start, end = plan.ground.at(tuple(before)), plan.ground.at(tuple(here))
    if start is None or end is None:
        return None
    return float(((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5 / (ms / 1000))
