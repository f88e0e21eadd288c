"""What the stages of a site hand on: detections, triggers, candidates, decisions.

One class for each Avro record of ``schemas/avro``, field for field. Fields named ``…_at`` are UTC
milliseconds since the epoch; coordinates are normalised 0..1 with the origin top left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.records.capture import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What became of one model's look at a frame."""

    model: str
    model_version: str
    """Empty without an answer."""
    outcome: Literal["ok", "dropped", "failed"]
    reason: str | None = None
    """Why it was dropped or failed."""
    objects: int
    """How many of the boxes are its own; those of the looks stand one after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One frame's result, or a beat copied in order."""

    kind: Literal["frame", "beat"]
    camera: str
    offset: int
    """Offset in the frames topic."""
    epoch_at: int | None = None
    seq: int
    """-1 for a beat."""
    at: int
    """captured_at of the frame, beat_at of the beat."""
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""
    state: Literal["online", "stalled", "offline"]
    """online for a frame."""
    still: bool
    outcome: Literal["ok", "dropped", "failed"]
    reason: str | None = None
    """Why it was dropped or failed."""
    width: int
    height: int
    source_width: int
    source_height: int
    model: str
    """The first that answered; of a frame without an answer the first that was asked."""
    model_version: str
    boxes: tuple[float, ...]
    """x1, y1, x2, y2 of each object, normalised."""
    scores: tuple[float, ...]
    labels: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    """What models of the second stage say of each object, JSON: {model: {label: score}}, empty for
    a model that looked and saw nothing; without any: none looked at any."""
    looks: tuple[Look, ...] = ()
    """The models asked about the frame, in the configuration's order; empty: ``model`` found all."""
    motion: float | None = None
    """Share of the picture that moved, 0..1; None for the first of an epoch."""
    view: View | None = None
    """As the frame's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """Results for whatever frames of one partition were in one inference batch, and beats, in the frames' order."""

    site: str
    partition: int
    """Partition of the frames topic."""
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameReference:
    """Where a frame stands in the frames topic, and an object's box in it."""

    partition: int
    offset: int
    captured_at: int
    box: tuple[float, ...]
    """x1, y1, x2, y2, normalised."""
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackReport:
    """A track's features so far."""

    track: str
    at: int
    """Time of the observation that made the report."""
    class_name: str
    score: float
    """Mean score so far."""
    observations: int
    age_ms: int
    displacement: float
    """Largest distance of the smoothed box centre from where the track began, in mean box heights."""
    box_height: float
    """Mean height, share of the frame's height."""
    best: FrameReference
    details: str = "{}"
    """Further features as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What a sensor saw."""

    trigger_id: str
    site: str
    camera: str
    epoch_at: int | None = None
    sensor: str
    trigger: str
    direction: str | None = None
    track: str | None = None
    class_name: str | None = None
    score: float | None = None
    """Mean score of the track so far."""
    anchor: tuple[float, ...] | None = None
    """x, y."""
    count: int | None = None
    """Number inside, for occupancy."""
    triggered_at: int
    since_at: int
    known_at: int
    """Time of the frame or deadline that decided it."""
    model: str
    model_version: str
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""
    report: TrackReport | None = None
    frame: FrameReference | None = None
    """Where the object was seen that decided it; null where only time did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageAnswer:
    """What a stage answers to one input of one key (docs/adr/0005)."""

    site: str
    key: str
    """Producing key: a camera, or site/<site>."""
    n: int
    """Counted in the producing key's state; what is not above the last one applied is a repeat."""
    at: int
    """Nothing with a lower known_at follows."""
    epoch_at: int | None = None
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""
    beat: Literal["online", "stalled", "offline"] | None = None
    """Set where a beat is copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensed(StageAnswer):
    """What the sensors of one camera said of one frame or beat."""

    triggers: tuple[Trigger, ...]
    reports: tuple[TrackReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One match of a rule, before the filter."""

    candidate_id: str
    site: str
    rule: str
    camera: str
    sensor: str
    track: str | None = None
    matched_at: int
    """t of the completing trigger."""
    known_at: int
    class_name: str | None = None
    score: float
    """Mean score of the track, 1 without one."""
    shadow: bool
    best: FrameReference | None = None
    """What shows the match best: the frame of its last trigger, or a much better one of its track."""
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""
    triggers: tuple[Trigger, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched(StageAnswer):
    """The candidates that one input completed, with the reports and beats copied in order."""

    candidates: tuple[Candidate, ...]
    reports: tuple[TrackReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One named check's evidence for or against."""

    check: str
    favours: bool
    """True: for a real event."""
    value: float
    weight: float = 0.0
    """Log-likelihood ratio, natural: above 0 for a real event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A candidate once decided."""

    candidate: Candidate
    verdict: Literal["accepted", "suppressed"]
    decided_at: int
    score: float
    """The filter's, 0..1."""
    reasons: tuple[Reason, ...]
    revision: int = 1
    """Rises with an operator's word on what was decided before."""
    event_id: str | None = None
    """The event that told of the candidate, where an operator decides anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(StageAnswer):
    """The candidates decided by one input, with beats copied."""

    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """An operator's word, put in order among the candidates of the key that it is about."""

    site: str
    key: str
    """As of the candidates: a camera, or site/<site>."""
    config_version: int
    """In force when it was put in order."""
    remark_id: str
    """Of the feedback; the same one counts once."""
    verdict: Literal["confirmed", "dismissed", "ignored_here", "reset"]
    """reset: forget what was learned of the camera."""
    author: str
    said_at: int
    camera: str
    decision: Decision | None = None
    """The last one on the candidate; null: none, for a reset."""
