"""What cameras give: frames, beats and the camera's own packets.

One class for each Avro record of ``schemas/avro``, field for field. Fields named ``…_at`` are UTC
milliseconds since the epoch; coordinates are normalised 0..1 with the origin top left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a picture looks like, for sensors of tampering."""

    brightness: float
    """Mean grey level, 0..1."""
    contrast: float
    """Standard deviation of the grey levels, 0..0.5."""
    sharpness: float
    """Standard deviation of the Laplacian, grey levels of 0..255."""
    structure: bytes
    """Edges in each of 16 x 9 cells, row by row: direction in the high half of the byte, strength
    in the low."""
    unchanged_ms: int
    """For how long the picture has been the very same, pictures held back included; 0 where that is
    not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One analysed frame of a camera; (camera, epoch_at, seq) names it for ever."""

    site: str
    camera: str
    epoch_at: int
    """Time of the epoch's first frame: one opening of the source."""
    seq: int
    """Index of the analysed frame within its epoch, from 0."""
    captured_at: int
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""
    width: int
    """Analysed size, pixels."""
    height: int
    source_width: int
    """Size of the source, pixels."""
    source_height: int
    motion: float | None = None
    """Share of the picture that moved, 0..1."""
    still: bool = False
    """The motion gate held back still frames since the frame before: absence in between proves nothing."""
    keep: bool = False
    """Detection must not drop it (pace: max)."""
    view: View | None = None
    """None where no sensor asks for it."""
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """Once a second a camera's clock: nothing at or below beat_at follows."""

    site: str
    camera: str
    beat_at: int
    state: Literal["online", "stalled", "offline"]
    epoch_at: int | None = None
    """Null before the first epoch."""
    config_version: int
    """Version of the site configuration this was judged under; 0 outside a site."""
    still: bool = False
    """The motion gate is holding back still frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPacket:
    """One packet; times in units of the time base since the epoch."""

    pts: int
    dts: int
    duration: int
    key_frame: bool
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """The camera's own packets, not re-encoded: at most 1 s or 1 MB."""

    site: str
    camera: str
    epoch_at: int
    captured_at: int
    """Time of the first packet by presentation."""
    duration_ms: int
    gop: int
    """Group of pictures within the epoch, from 0."""
    part: int
    """Fragment within the group, from 0."""
    key_frame: bool
    """Begins with a key frame."""
    codec: str
    """FFmpeg name: h264, hevc, mpeg4, mjpeg."""
    extradata: bytes
    width: int
    height: int
    time_base_numerator: int
    time_base_denominator: int
    packets: tuple[VideoPacket, ...]
