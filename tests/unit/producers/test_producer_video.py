"""Fragments of real video, put together again, are the very video."""

from __future__ import annotations

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


def decoded(parts: list[Video]) -> list[tuple[int, bytes]]:
    """Decode fragments with nothing but what stands in them; times in ms since the epoch."""
    first = parts[0]
    time_base = Fraction(first.time_base_numerator, first.time_base_denominator)
    context: Any = av.CodecContext.create(first.codec, "r")
    context.extradata = first.extradata
    context.thread_count = 1
    frames: list[Any] = []
    for one in (packet for part in parts for packet in part.packets):
        packet: Any = av.Packet(one.data)
        packet.pts, packet.dts, packet.time_base = one.pts, one.dts, time_base
        frames.extend(context.decode(packet))
    frames.extend(context.decode(None))
    return [
        (round(1000 * frame.pts * time_base), frame.to_ndarray(format="gray").tobytes())
        for frame in frames
    ]


def shown(path: Path) -> list[tuple[int, bytes]]:
    """The pictures of the file itself; times in ms since the first."""
    with av.open(str(path)) as container:
        frames: list[Any] = list(container.decode(video=0))
    return [
        (
            round(1000 * (frame.pts - frames[0].pts) * frame.time_base),
            frame.to_ndarray(format="gray").tobytes(),
        )
        for frame in frames
    ]


@pytest.mark.parametrize("name", ["vtest_480x360_10fps.mp4", "car-detection.mp4"])
def test_the_fragments_of_a_file_hold_all_its_pictures_at_their_times(name: str) -> None:
    path = fixture(f"videos/{name}")
    assert decoded(fragments(path)) == shown(path)


def test_a_clip_can_begin_at_any_fragment_with_a_key_frame() -> None:
    path = fixture("videos/vtest_480x360_10fps.mp4")
    parts = fragments(path)
    begin = next(index for index, part in enumerate(parts) if part.gop == 3)
    clip, whole = decoded(parts[begin:]), shown(path)
    assert clip == whole[-len(clip) :]
    assert clip[0][0] == parts[begin].captured_at - EPOCH
