"""Packets and pictures out of a container that PyAV has opened."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from producers.privacy import Image
from producers.sources.source import Packet, Picture, SourceReport, StreamFacts
from schemas.errors import Rejected

_USUAL_INTERVAL_MS = Fraction(40)


class Decoder:
    """Reads one video stream of a container.

    Args:
        container: as opened; stays the caller's to close.
        packets: whether the packets themselves are wanted too.
        timed: pictures without a time get one from the frame rate (raw streams in files); else
            they are passed over (the first picture of an RTSP stream has none).

    Raises:
        Rejected: the container has no video.
    """

    def __init__(self, container: InputContainer, *, packets: bool, timed: bool) -> None:
        self._container = container
        self._stream = _video_stream(container)
        # One camera is one thread here; more would only fight for the cores.
        self._stream.codec_context.thread_count = 1
        self._packets = packets
        self._timed = timed
        self._decoded = 0
        self._damaged = 0
        self._untimed: bytes | None = None

    def __iter__(self) -> Iterator[Packet | Picture]:
        """Yield packets and pictures until the container ends.

        Raises:
            FFmpegError: the container cannot be read on.
        """
        for packet in self._container.demux(self._stream):
            if self._packets:
                yield from self._own(packet)
            try:
                frames = packet.decode()
            except FFmpegError:
                self._damaged += 1
                continue
            for frame in frames:
                picture = self._picture(frame)
                if picture is not None:
                    yield picture

    @property
    def decoded(self) -> int:
        """Pictures decoded so far."""
        return self._decoded

    def facts(self) -> StreamFacts:
        """Return how the packets are decoded."""
        context, time_base = self._stream.codec_context, self._stream.time_base
        assert time_base is not None, "a demuxed stream has a time base"
        return StreamFacts(
            codec=context.codec.canonical_name,
            extradata=bytes(context.extradata or b""),
            width=context.width,
            height=context.height,
            time_base=time_base,
        )

    def report(self) -> SourceReport:
        """Return the interval that the stream declares, and what was damaged."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        interval_ms = 1000 / Fraction(rate) if rate else _USUAL_INTERVAL_MS
        return SourceReport(interval_ms, self._damaged)

    def _own(self, packet: Any) -> Iterator[Packet]:
        """Yield the packet; the key packet that opens an RTSP stream without a time, one later."""
        if packet.size == 0:
            return
        if packet.dts is None:
            if packet.is_keyframe:
                self._untimed = bytes(packet)
            return
        duration = packet.duration or 0
        if self._untimed is not None and duration:
            before = packet.dts - duration
            yield Packet(before, before, duration, True, self._untimed)
        self._untimed = None
        pts = packet.dts if packet.pts is None else packet.pts
        yield Packet(pts, packet.dts, duration, packet.is_keyframe, bytes(packet))

    def _picture(self, frame: VideoFrame) -> Picture | None:
        index = self._decoded
        self._decoded += 1
        if frame.pts is not None and frame.time_base is not None:
            return Picture(1000 * frame.pts * frame.time_base, lambda: _image(frame))
        if not self._timed:
            return None
        return Picture(index * self.report().frame_interval_ms, lambda: _image(frame))


def _video_stream(container: InputContainer) -> VideoStream:
    cover = Disposition.attached_pic
    streams = [one for one in container.streams.video if not one.disposition & cover]
    if not streams:
        raise Rejected("it holds no video stream", reason="no-video")
    best = container.streams.best("video")
    return best if isinstance(best, VideoStream) and best in streams else streams[0]


def _image(frame: VideoFrame) -> Image:
    image: Any = frame.to_ndarray(format="bgr24")
    quarter_turns = round(frame.rotation / 90) % 4
    if quarter_turns:
        image = np.rot90(image, quarter_turns)
    return np.ascontiguousarray(image, np.uint8)
