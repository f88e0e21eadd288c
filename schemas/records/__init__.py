"""Typed records: one frozen dataclass for each Avro record, and the fixed schema ids."""

from __future__ import annotations

from schemas.records.capture import Beat, Frame, Video, VideoPacket, View
from schemas.records.downlink import (
    AppliedConfig,
    Command,
    ConfigDocument,
    Feedback,
    ModelChunk,
    ModelUpdate,
)
from schemas.records.stages import (
    Candidate,
    Decision,
    Detections,
    FrameReference,
    Judged,
    Look,
    Matched,
    Reading,
    Reason,
    Remark,
    Sensed,
    StageAnswer,
    TrackReport,
    Trigger,
)
from schemas.records.storage import Checkpoint, State
from schemas.records.uplink import (
    Count,
    Event,
    Evidence,
    Health,
    PathPoint,
    Receipt,
    Track,
    Verdict,
)

Record = (
    Frame
    | Beat
    | Video
    | Detections
    | Sensed
    | Matched
    | Judged
    | Event
    | Verdict
    | Evidence
    | Track
    | Count
    | Health
    | Receipt
    | ConfigDocument
    | AppliedConfig
    | Feedback
    | Command
    | ModelUpdate
    | ModelChunk
    | Remark
    | State
    | Checkpoint
)

SCHEMA_IDS: dict[type[Record], int] = {
    Frame: 1,
    Beat: 2,
    Video: 3,
    Detections: 4,
    Sensed: 5,
    Matched: 6,
    Judged: 7,
    Event: 8,
    Verdict: 9,
    Evidence: 10,
    Track: 11,
    Count: 12,
    Health: 13,
    Receipt: 14,
    ConfigDocument: 15,
    AppliedConfig: 16,
    Feedback: 17,
    Command: 18,
    ModelUpdate: 19,
    State: 20,
    Checkpoint: 21,
    ModelChunk: 22,
    Remark: 23,
}
"""Fixed for ever: the id stands in every message and in the name of the schema's file."""

__all__ = [
    "StageAnswer",
    "AppliedConfig",
    "Beat",
    "Candidate",
    "Checkpoint",
    "Command",
    "ConfigDocument",
    "Count",
    "Decision",
    "Detections",
    "Event",
    "Evidence",
    "Feedback",
    "Frame",
    "FrameReference",
    "Health",
    "Judged",
    "Look",
    "Matched",
    "ModelChunk",
    "ModelUpdate",
    "PathPoint",
    "Reading",
    "Reason",
    "Receipt",
    "Record",
    "Remark",
    "SCHEMA_IDS",
    "Sensed",
    "State",
    "Track",
    "TrackReport",
    "Trigger",
    "Verdict",
    "Video",
    "VideoPacket",
    "View",
]
