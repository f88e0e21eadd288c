"""Fragments of real video, put together again, are the very video."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from producers.opening import CameraTask, Opening
from producers.sources.file import FileSource
from producers.sources.source import Picture
from schemas.records import Video
from tests.fixtures import fixture
from tests.unit.producers.parts import camera

EPOCH = 1_700_000_000_000


def fragments(path: Path) -> list[Video]:
    opening = Opening(CameraTask("depot", "gate", camera(fps=1)))
    source = FileSource(path, packets=True)
    found: list[Video] = []
    source.open()
    try:
        facts = source.facts()
        assert facts is not None
        for item in source:
            if not isinstance(item, Picture):
                found.extend(opening.packet(item, facts))
            elif opening.clock is None:
                opening.begin(item, EPOCH, None)
            else:
                opening.advance(item, 0)
        found.extend(opening.last_video())
    finally:
        source.close()
    return found


def remuxed(parts: list[Video]) -> bytes:
    """Put fragments into an MP4 as they are."""
    first, target = parts[0], io.BytesIO()
    time_base = Fraction(first.time_base_numerator, first.time_base_denominator)
    with av.open(target, "w", format="mp4") as container:
        stream: Any = container.add_stream(first.codec)
        stream.width, stream.height, stream.time_base = first.width, first.height, time_base
        stream.codec_context.extradata = first.extradata
        for one in (packet for part in parts for packet in part.packets):
            packet: Any = av.Packet(one.data)
            packet.pts, packet.dts, packet.duration = one.pts, one.dts, one.duration
            packet.time_base, packet.is_keyframe, packet.stream = time_base, one.key_frame, stream
            container.mux(packet)
    return target.getvalue()


def decoded(source: Any) -> list[tuple[float, bytes]]:
    with av.open(source) as container:
        frames = list(container.decode(video=0))
    return [
        (round(frame.time or 0, 3), frame.to_ndarray(format="gray").tobytes()) for frame in frames
    ]


@pytest.mark.parametrize("name", ["vtest_480x360_10fps.mp4", "car-detection.mp4"])
def test_the_fragments_of_a_file_hold_all_its_pictures_at_their_times(name: str) -> None:
    path = fixture(f"videos/{name}")
    parts = fragments(path)
    whole = decoded(str(path))
    again = decoded(io.BytesIO(remuxed(parts)))
    shift = again[0][0] - whole[0][0]
    assert [picture for _, picture in again] == [picture for _, picture in whole]
    assert all(abs(a - b - shift) < 0.002 for (a, _), (b, _) in zip(again, whole, strict=True))


def test_a_clip_can_begin_at_any_fragment_with_a_key_frame() -> None:
    path = fixture("videos/vtest_480x360_10fps.mp4")
    parts = fragments(path)
    begin = next(index for index, part in enumerate(parts) if part.gop == 3)
    assert parts[begin].key_frame
    clip = decoded(io.BytesIO(remuxed(parts[begin:])))
    pictures = [picture for _, picture in decoded(str(path))]
    assert [picture for _, picture in clip] == pictures[-len(clip) :]
    first_at = round((parts[begin].captured_at - EPOCH) / 100)
    assert len(pictures) - len(clip) == first_at
