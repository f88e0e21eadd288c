"""What a site sends up: events, verdicts, evidence, tracks, counts, health, receipts.

One class for each Avro record of ``schemas/avro``, field for field. Fields named ``…_at`` are UTC
milliseconds since the epoch; coordinates are normalised 0..1 with the origin top left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event's life: opened, updated, closed."""

    event_id: str
    site: str
    rule: str
    camera: str
    sensor: str
    state: Literal["opened", "updated", "closed"]
    revision: int
    """From 1; an older one never overwrites a newer one."""
    severity: str
    mode: str
    group_key: str
    at: int
    """Time of this change."""
    opened_at: int
    closed_at: int | None = None
    triggers: int
    """Triggers so far."""
    tracks: str
    """Track ids so far, JSON array, at most 100."""
    class_name: str | None = None
    score: float
    """Highest of its candidates'."""
    verdict: str
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""
    model: str
    model_version: str
    provenance: str
    """JSON: the candidates with frames, tracks, sensors, reasons; at most 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The final verdict on a candidate."""

    candidate_id: str
    site: str
    camera: str
    rule: str
    sensor: str
    track: str | None = None
    class_name: str | None = None
    matched_at: int
    decided_at: int
    verdict: Literal["accepted", "suppressed", "cooling", "shadow"]
    event_id: str | None = None
    score: float
    reasons: str
    """JSON array of {check, for, value}."""
    revision: int
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""
    provenance: str
    """JSON: frame, box, trigger ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A picture or clip of an event or candidate, or the word that there is none."""

    evidence_id: str
    site: str
    camera: str
    event_id: str | None = None
    candidate_id: str | None = None
    kind: Literal["snapshot", "clip"]
    status: Literal["ok", "expired", "failed"]
    reason: str | None = None
    content_type: str
    sha256: str
    """Of the whole object, hex."""
    size: int
    """Of the whole object, bytes."""
    chunk: int
    chunks: int
    from_at: int
    to_at: int
    revision: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """The anchor at a time."""

    at: int
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A finished track."""

    track_id: str
    site: str
    camera: str
    epoch_at: int
    class_name: str
    score_mean: float
    score_max: float
    observations: int
    started_at: int
    ended_at: int
    path: tuple[PathPoint, ...]
    """Simplified, at most 256 points."""
    zones: tuple[str, ...]
    colours: tuple[str, ...]
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""
    model: str = ""
    """That first called it by its class."""
    model_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One sensor's counts in one minute."""

    count_id: str
    """<site>/<camera>/<sensor>/<minute>."""
    site: str
    camera: str
    sensor: str
    minute_at: int
    forward: int
    backward: int
    entries: int
    exits: int
    occupancy_max: int
    dwell_total_s: float
    dwell_max_s: float
    revision: int
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """State of a camera or process."""

    health_id: str
    """<site>/<camera> or <site>/process/<name>."""
    site: str
    kind: Literal["camera", "process"]
    name: str
    state: str
    reason: str | None = None
    at: int
    frames_per_s: float | None = None
    frames: int
    dropped: int
    details: str
    """JSON."""
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a site really runs."""

    receipt_id: str
    """<site>/<document>."""
    site: str
    document: str
    kind: str
    status: Literal["applied", "refused"]
    config_version: int
    """The version in force: of the configuration, or of the model at this site."""
    sha256: str
    """Of the document this answers."""
    errors: str
    """JSON array of faults."""
    at: int
    revision: int
    details: str = "{}"
    """JSON object; of a model: what is wanted, what runs, and why."""
