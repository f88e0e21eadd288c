"""Fragments of ``video`` or ``recording`` as MP4 files: the camera's own packets, not re-encoded."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from schemas.errors import Rejected
from schemas.records import Video
from streams.evidence.bitstream import annex_b

_RAW_FORMATS = {"h264": "h264", "hevc": "hevc", "mpeg4": "m4v", "mjpeg": "mjpeg"}
"""FFmpeg's name for a bare stream of each codec that a camera sends."""


@dataclass(frozen=True, slots=True)
class Remuxed:
    """One file, and the times between which its pictures lie, UTC ms."""

    path: Path
    from_at: int
    to_at: int


def within(fragments: Iterable[Video], from_at: int, to_at: int) -> Iterator[Video]:
    """Yield the fragments of a camera, in order, that are needed to see it between two times, UTC ms.

    They begin at the last key frame at or before ``from_at``, without which nothing can be decoded.
    """
    group: list[Video] | None = None
    begun = False
    for fragment in fragments:
        if fragment.captured_at >= to_at:
            return
        if begun:
            yield fragment
            continue
        if fragment.key_frame:
            group = [fragment]
        elif group is not None:
            group.append(fragment)
        if group is not None and fragment.captured_at + fragment.duration_ms > from_at:
            yield from group
            begun = True


def remux(fragments: Iterable[Video], path: Path) -> Iterator[Remuxed]:
    """Write fragments in their order, and yield each file once it is whole.

    A stream that changes (another size, another codec) begins another file: ``path`` with a number
    behind its name.

    Raises:
        Rejected: a stream cannot be put into MP4.
        OSError: a file cannot be written.
    """
    for number, (_, alike) in enumerate(groupby(fragments, _stream_of), 1):
        target = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        yield _file(alike, target)


def _stream_of(fragment: Video) -> tuple[object, ...]:
    time_base = fragment.time_base_numerator, fragment.time_base_denominator
    return fragment.codec, fragment.extradata, fragment.width, fragment.height, time_base


def _file(fragments: Iterator[Video], target: Path) -> Remuxed:
    first = next(fragments)
    raw_format = _RAW_FORMATS.get(first.codec)
    if raw_format is None:
        raise Rejected(
            f"video of {first.camera} is {first.codec}: only {', '.join(_RAW_FORMATS)} can be put "
            "into MP4",
            reason="codec",
        )
    stream = annex_b(first.codec, first.extradata)
    partial = target.with_name(f"{target.name}.part")
    try:
        with ExitStack() as opened:
            # What the file's header says of the stream is learned from its first packet.
            sample = io.BytesIO(stream.head + stream.packet(first.packets[0].data))
            template = opened.enter_context(av.open(sample, format=raw_format))
            container = opened.enter_context(av.open(str(partial), "w", format="mp4"))
            track = container.add_stream_from_template(template.streams.video[0], opaque=True)
            to_at = _write(container, track, first, fragments, stream.packet)
        partial.replace(target)
    except FFmpegError as error:
        raise Rejected(
            f"video of {first.camera} cannot be put into MP4: {error}", reason="damaged"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return Remuxed(target, first.captured_at, to_at)


def _write(
    container: Any,
    track: Any,
    first: Video,
    rest: Iterable[Video],
    converted: Callable[[bytes], bytes],
) -> int:
    """Write all packets at their times since the first; return when the last fragment ends."""
    time_base = Fraction(first.time_base_numerator, first.time_base_denominator)
    begun = min(packet.pts for packet in first.packets)
    last_dts: int | None = None
    to_at, epoch_at, shift = first.captured_at, first.epoch_at, -begun
    for fragment in chain((first,), rest):
        if fragment.epoch_at != epoch_at:
            epoch_at = fragment.epoch_at
            apart = round(Fraction(epoch_at - first.epoch_at, 1000) / time_base)
            shift = apart - begun
            if last_dts is not None and fragment.packets:
                # Its first packets are decoded before they are shown, maybe before the last one's end.
                shift += max(0, last_dts + 1 - (fragment.packets[0].dts + shift))
        for one in fragment.packets:
            dts = one.dts + shift
            if last_dts is not None and dts <= last_dts:
                continue
            last_dts = dts
            packet: Any = av.Packet(converted(one.data))
            packet.pts, packet.dts, packet.duration = one.pts + shift, dts, one.duration
            packet.time_base, packet.stream = time_base, track
            packet.is_keyframe = one.key_frame
            container.mux(packet)
        to_at = fragment.captured_at + fragment.duration_ms
    return to_at
