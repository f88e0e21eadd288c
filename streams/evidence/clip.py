"""Frames as a VP9 clip in MP4 that plays at their true times.

VP9 (libvpx) rather than H.264: the ``av`` wheel's H.264 encoder is under the GPL.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, cast

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

from schemas.errors import Rejected
from streams.evidence.snapshot import Picture, decode_jpeg

ENCODER = "libvpx-vp9"
CONTENT_TYPE = "video/mp4"
TIME_BASE = Fraction(1, 1000)
OPTIONS = {
    # Constant quality without a bit rate's ceiling; 33 is libvpx's usual value for 360p.
    "crf": "33",
    "b": "0",
    "deadline": "realtime",
    "cpu-used": "7",
    "row-mt": "1",
    # No frames that are only referred to: each packet is one frame with its own time.
    "auto-alt-ref": "0",
    "lag-in-frames": "0",
}
KEY_FRAME_EVERY = 50


def encode_clip(frames: Iterable[tuple[int, bytes]], until_at: int) -> bytes:
    """Return an MP4 of ``(captured_at, JPEG)`` pairs, the last one shown until ``until_at``.

    ``captured_at`` and ``until_at`` are UTC ms; times must rise, and what does not is left out.
    Frames of another size than the first one are scaled to it. The frames are used one by one.

    Raises:
        Rejected: there is no frame, or the frames cannot be decoded or encoded.
    """
    target = io.BytesIO()
    try:
        with av.open(target, "w", format="mp4") as container:
            _write(container, _rising(frames), until_at)
    except FFmpegError as error:
        raise Rejected(f"the clip cannot be encoded: {error}", reason="encoding") from error
    return target.getvalue()


def _write(container: Any, frames: Iterator[tuple[int, Picture]], until_at: int) -> None:
    first = next(frames, None)
    if first is None:
        raise Rejected("there is no frame for a clip", reason="no-frames")
    started_at, picture = first
    stream = _stream(container, picture)
    pending: tuple[int, Picture] | None = first
    while pending is not None:
        at, picture = pending
        pending = next(frames, None)
        ends_at = max(at + 1, until_at) if pending is None else pending[0]
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame = frame.reformat(width=stream.width, height=stream.height, format="yuv420p")
        frame.pts, frame.time_base = at - started_at, TIME_BASE
        frame.duration = ends_at - at
        container.mux(_lasting(stream.encode(frame), ends_at - at))
    container.mux(stream.encode(None))


def _stream(container: Any, picture: Picture) -> VideoStream:
    stream = cast(VideoStream, container.add_stream(ENCODER, rate=1000, options=dict(OPTIONS)))
    # Chroma is stored at half size, so both sides must be even.
    height, width = picture.shape[:2]
    stream.width, stream.height = max(2, width // 2 * 2), max(2, height // 2 * 2)
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = TIME_BASE
    stream.codec_context.gop_size = KEY_FRAME_EVERY
    return stream


def _lasting(packets: list[Any], duration_ms: int) -> list[Any]:
    # Without a duration the muxer lets the last frame last as long as the one before.
    for packet in packets:
        packet.duration = duration_ms
    return packets


def _rising(frames: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Picture]]:
    last: int | None = None
    for at, jpeg in frames:
        if last is None or at > last:
            last = at
            yield at, decode_jpeg(jpeg)
