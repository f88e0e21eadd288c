"""All that sensing keeps of one camera; ``msgspec.msgpack`` stores and restores it exactly."""

from __future__ import annotations

import msgspec

from schemas.records import TrackReport
from streams.core.sensing.counts import Counts
from streams.core.sensing.unnamed import Unnamed
from streams.core.sensors.registry import SensorState
from streams.core.tracking.scene import Scene
from streams.core.tracking.track import Track

Recent = tuple[int, float, float]
"""(UTC ms, x, y) of a bottom anchor."""


class Departed(msgspec.Struct):
    """What a sensor may still say of a track that has ended."""

    epoch_at: int
    report: TrackReport
    model: str = ""
    model_version: str = ""


class Looked(msgspec.Struct):
    """When a model last looked, and in which version."""

    version: str
    at: int


class CameraState(msgspec.Struct):
    """State of one camera; times in UTC ms, None before the first."""

    site: str
    camera: str
    counts: Counts
    tracks: list[Track]
    """Living tracks, oldest first; each goes ``lost_s`` after it was last seen."""
    departed: dict[str, Departed]
    """Tracks that have ended, while a sensor still holds them."""
    recent: dict[str, list[Recent]]
    """The last second of each living confirmed track."""
    sensors: dict[str, SensorState]
    digests: dict[str, str]
    """Of the definition under which each sensor's state came to be."""
    applied: int = -1
    """Offset of the last reading applied."""
    version: int = -1
    """Of the plan last applied."""
    clock_at: int | None = None
    """Time of the latest reading."""
    epoch_at: int | None = None
    sent_at: int | None = None
    """Time of the last frame sent, analysed or not."""
    analysed_at: int | None = None
    """Time of the last frame analysed."""
    resumed_at: int | None = None
    """Since when frames have been analysed without a pause."""
    steady_at: int | None = None
    """Up to here stillness is accounted for: the last frame, or the last still beat."""
    scene: Scene = msgspec.field(default_factory=Scene)
    """What the tracker has learned of the camera's view in this epoch."""
    model: str = ""
    """The first of those that looked at the last frame analysed."""
    site_until: int | None = None
    """Where a rule looks beyond this camera: until when its beats are needed once none does."""
    looked: dict[str, Looked] = {}
    """By model, the one that looked longest ago first; at most ``MAX_MODELS``."""
    unnamed: Unnamed = {}
    """Of living tracks without a name, where several models look."""

    def version_of(self, model: str) -> str:
        """Return the version in which a model last looked; empty where it never did."""
        return self.looked[model].version if model in self.looked else ""

    def is_standing(self, track: Track) -> bool:
        """Tell whether a track was there when one of its models looked last."""
        looks = [self.looked[model].at for model in track.models if model in self.looked]
        return track.seen_at == max(looks, default=self.analysed_at)


def new_state(site: str, camera: str) -> CameraState:
    """Return the state of a camera of which nothing has been read."""
    return CameraState(
        site=site,
        camera=camera,
        counts=Counts(cells={}),
        tracks=[],
        departed={},
        recent={},
        sensors={},
        digests={},
        looked={},
        unnamed={},
    )
