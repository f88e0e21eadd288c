"""The topic catalogue: the single place from which topics are created, on both sides.

12 partitions unless said otherwise, so that MirrorMaker keeps order per key; LogAppendTime
everywhere, so that retention counts from arrival and event time lives in the record only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from schemas.records import (
    AppliedConfig,
    Beat,
    Checkpoint,
    Command,
    ConfigDocument,
    Count,
    Detections,
    Event,
    Evidence,
    Feedback,
    Frame,
    Health,
    Judged,
    Matched,
    ModelChunk,
    ModelUpdate,
    Receipt,
    Remark,
    Sensed,
    State,
    Track,
    Verdict,
    Video,
)

PARTITIONS = 12
STAGES = ("sense", "match", "filter", "group")
Direction = Literal["site", "up", "down"]

_MINUTE = 60_000
_DAY = 24 * 60 * _MINUTE
_MIB = 1 << 20
LARGE_RECORD_BYTES = 10 * _MIB
_STATE_SEGMENT_BYTES = 8 * _MIB
_RECORDING_SEGMENT_BYTES = 256 * _MIB
_MODELS_SEGMENT_BYTES = 64 * _MIB
# A dead letter is its source's record and headers that say what was wrong with it.
_DEAD_LETTER_BYTES = LARGE_RECORD_BYTES + _MIB // 2


@dataclass(frozen=True)
class Topic:
    """One topic: who writes what under which key, and how long it is kept.

    ``retention_bytes`` counts the whole topic; it is divided among the partitions.
    """

    name: str
    key: str
    records: tuple[type, ...]
    about: str
    direction: Direction
    partitions: int = PARTITIONS
    retention_ms: int | None = None
    retention_bytes: int | None = None
    compacted: bool = False
    max_message_bytes: int = _MIB
    kept_as_configured: bool = False
    """How long it is kept is set by capture, as the cameras ask, and not by the catalogue."""
    settings: tuple[tuple[str, str], ...] = field(default=())

    def config(self) -> dict[str, str]:
        """Return the broker's settings for this topic."""
        config = {
            "message.timestamp.type": "LogAppendTime",
            "cleanup.policy": "compact" if self.compacted else "delete",
            "max.message.bytes": str(self.max_message_bytes),
        }
        if not self.compacted and not self.kept_as_configured:
            cap = self.retention_bytes // self.partitions if self.retention_bytes else None
            config["retention.ms"] = str(self.retention_ms or -1)
            config["retention.bytes"] = str(cap or -1)
            if cap:
                config["segment.bytes"] = str(max(_MIB, cap // 8, self.max_message_bytes))
            if self.retention_ms:
                config["segment.ms"] = str(self.retention_ms // 4)
        config.update(self.settings)
        return config


def _state(stage: str) -> Topic:
    settings = (
        ("segment.bytes", str(_STATE_SEGMENT_BYTES)),
        ("min.cleanable.dirty.ratio", "0.1"),
        ("min.compaction.lag.ms", "600000"),
    )
    return Topic(
        f"state.{stage}",
        "<key>@<claim>",
        (State,),
        f"what {stage} keeps; highest claim, then sequence wins",
        "site",
        compacted=True,
        settings=settings,
        # A broker refuses a batch that is larger than a segment.
        max_message_bytes=_STATE_SEGMENT_BYTES,
    )


def _checkpoints(stage: str) -> Topic:
    return Topic(
        f"checkpoints.{stage}",
        "as the stage",
        (Checkpoint,),
        f"{stage}'s whole state, for replays",
        "site",
        retention_ms=7 * _DAY,
        max_message_bytes=LARGE_RECORD_BYTES,
    )


_CAMERA, _SITE_CAMERA = "camera", "<site>/<camera>"

RECORDING = Topic(
    "recording",
    _CAMERA,
    (Video,),
    "the packets of cameras with `record: continuous`; kept for `keep_h`",
    "site",
    max_message_bytes=LARGE_RECORD_BYTES,
    kept_as_configured=True,
    # Old video goes by whole segments: a quarter of an hour of some cameras.
    settings=(("segment.bytes", str(_RECORDING_SEGMENT_BYTES)), ("segment.ms", "3600000")),
)

_FLOW = (
    Topic(
        "frames",
        _CAMERA,
        (Frame, Beat),
        "JPEG of one analysed frame; beats",
        "site",
        retention_ms=10 * _MINUTE,
        retention_bytes=3072 * _MIB,
        max_message_bytes=LARGE_RECORD_BYTES,
    ),
    Topic(
        "video",
        _CAMERA,
        (Video,),
        "the camera's own packets, not re-encoded",
        "site",
        retention_ms=10 * _MINUTE,
        retention_bytes=3072 * _MIB,
        max_message_bytes=LARGE_RECORD_BYTES,
    ),
    RECORDING,
    Topic(
        "detections",
        "none; the partition of the frames",
        (Detections,),
        "boxes, classes, scores; beats",
        "site",
        retention_ms=7 * _DAY,
        retention_bytes=2048 * _MIB,
    ),
    Topic(
        "triggers",
        _CAMERA,
        (Sensed,),
        "what a sensor saw; track reports; beats",
        "site",
        retention_ms=7 * _DAY,
    ),
    Topic(
        "site-triggers",
        "site",
        (Sensed,),
        "the same, of cameras that a rule across cameras names",
        "site",
        retention_ms=7 * _DAY,
    ),
    Topic(
        "candidates",
        "camera, or site/<site>",
        (Matched, Remark),
        "matches of rules, before the filter; beats; operators' words on them",
        "site",
        retention_ms=7 * _DAY,
    ),
    Topic(
        "judged",
        "as candidates",
        (Judged,),
        "candidates once decided, with reasons; beats",
        "site",
        retention_ms=7 * _DAY,
    ),
    Topic(
        "config",
        "version",
        (AppliedConfig,),
        "the configurations that the agent accepted",
        "site",
        partitions=1,
        compacted=True,
    ),
)

_UP = (
    Topic(
        "up.events", "event id", (Event,), "opened, updated, closed", "up", retention_ms=30 * _DAY
    ),
    Topic(
        "up.verdicts",
        "candidate id",
        (Verdict,),
        "the final verdict on every candidate",
        "up",
        retention_ms=30 * _DAY,
    ),
    Topic(
        "up.evidence",
        "event or candidate id",
        (Evidence,),
        "JPEG or MP4 with its SHA-256",
        "up",
        retention_bytes=2048 * _MIB,
        max_message_bytes=LARGE_RECORD_BYTES,
    ),
    Topic("up.tracks", _SITE_CAMERA, (Track,), "a finished track", "up", retention_ms=7 * _DAY),
    Topic(
        "up.counts", _SITE_CAMERA, (Count,), "per minute and sensor", "up", retention_ms=30 * _DAY
    ),
    Topic(
        "up.health",
        _SITE_CAMERA,
        (Health,),
        "state of cameras and processes",
        "up",
        retention_ms=7 * _DAY,
    ),
    Topic(
        "up.receipts",
        "<site>/<document>",
        (Receipt,),
        "what a site really runs",
        "up",
        compacted=True,
    ),
    Topic(
        "up.live",
        _SITE_CAMERA,
        (Frame,),
        "frames of a camera that somebody asked to see",
        "up",
        retention_ms=_MINUTE,
        retention_bytes=1536 * _MIB,
        max_message_bytes=LARGE_RECORD_BYTES,
    ),
)


def _down(name: str, *records: type, about: str, compacted: bool = True) -> Topic:
    return Topic(
        name,
        "document id",
        records,
        about,
        "down",
        partitions=1,
        compacted=compacted,
        retention_ms=None if compacted else _DAY,
        max_message_bytes=LARGE_RECORD_BYTES,
    )


def _down_topics(site: str) -> tuple[Topic, ...]:
    return (
        _down(f"down.{site}.config", ConfigDocument, about="desired configuration"),
        _down(f"down.{site}.feedback", Feedback, about="operators' words on events"),
        _down(f"down.{site}.commands", Command, about="orders to the site", compacted=False),
    )


# Only closed segments are compacted: emptied weights would lie about in a large one for long.
_MODELS = replace(
    _down("down.global.models", ModelUpdate, ModelChunk, about="desired versions of models"),
    settings=(("segment.bytes", str(_MODELS_SEGMENT_BYTES)),),
)


def dead_letter_topic(source: str) -> str:
    """Return the name of a topic's dead-letter topic."""
    return f"dlq.{source}"


def _dead_letters(topics: tuple[Topic, ...]) -> tuple[Topic, ...]:
    return tuple(
        Topic(
            dead_letter_topic(topic.name),
            "as the source",
            (),
            f"records of {topic.name} that could not be processed",
            "site",
            partitions=topic.partitions,
            retention_ms=30 * _DAY,
            max_message_bytes=_DEAD_LETTER_BYTES,
        )
        for topic in topics
    )


def site_topics(site: str) -> tuple[Topic, ...]:
    """Return every topic of one site's Kafka, dead letters and state included."""
    flow = (*_FLOW, *_UP, *_down_topics(site), _MODELS)
    state = tuple(make(stage) for stage in STAGES for make in (_state, _checkpoints))
    return (*flow, *state, *_dead_letters(flow))


def cloud_topics(*sites: str) -> tuple[Topic, ...]:
    """Return every topic of the cloud's Kafka for these sites, dead letters included."""
    down = tuple(topic for site in sites for topic in _down_topics(site))
    flow = (*_UP, *down, _MODELS)
    return (*flow, *_dead_letters(flow))
