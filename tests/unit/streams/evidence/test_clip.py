from __future__ import annotations

import io
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from schemas.errors import Rejected
from streams.evidence.clip import encode_clip
from tests.fixtures import fixture
from tests.unit.streams.evidence.evidence_samples import grey_jpeg

START = 1_700_000_000_000


def decoded(clip: bytes) -> tuple[list[tuple[int, NDArray[Any]]], int]:
    """Return the frames with their times in ms, and the whole duration in ms."""
    with av.open(io.BytesIO(clip), mode="r") as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "vp9" and stream.time_base is not None
        assert stream.duration is not None
        frames = [
            (round(frame.pts * stream.time_base * 1000), frame.to_ndarray(format="gray"))
            for frame in container.decode(stream)
            if frame.pts is not None
        ]
        return frames, round(stream.duration * stream.time_base * 1000)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=12), st.integers(1, 5000))
def test_every_frame_is_there_at_its_true_time(gaps: list[int], rest: int) -> None:
    times = [START + sum(gaps[:n]) for n in range(len(gaps))]
    frames = [(at, grey_jpeg(40 + 15 * n)) for n, at in enumerate(times)]
    shown, duration_ms = decoded(encode_clip(frames, times[-1] + rest))
    assert [at for at, _ in shown] == [at - START for at in times]
    assert duration_ms == times[-1] + rest - START
    levels = [round(float(picture.mean())) for _, picture in shown]
    assert levels == pytest.approx([40 + 15 * n for n in range(len(gaps))], abs=4)


def test_times_that_do_not_rise_are_left_out() -> None:
    frames = [(START + at, grey_jpeg(90)) for at in (0, 200, 200, 100, 400)]
    shown, _ = decoded(encode_clip(frames, START + 500))
    assert [at for at, _ in shown] == [0, 200, 400]


def test_frames_of_another_size_are_scaled_to_the_first() -> None:
    frames = [(START, grey_jpeg(50, 64, 48)), (START + 100, grey_jpeg(150, 128, 96))]
    shown, _ = decoded(encode_clip(frames, START + 200))
    assert [picture.shape for _, picture in shown] == [(48, 64), (48, 64)]


def test_odd_sizes_lose_a_row_and_a_column() -> None:
    shown, _ = decoded(encode_clip([(START, grey_jpeg(50, 63, 47))], START + 1000))
    assert shown[0][1].shape == (46, 62)


def test_no_frames_and_no_pictures_are_rejected() -> None:
    with pytest.raises(Rejected) as refused:
        encode_clip([], START)
    assert refused.value.reason == "no-frames"
    with pytest.raises(Rejected) as refused:
        encode_clip([(START, grey_jpeg(90)), (START + 1, b"damaged")], START + 2)
    assert refused.value.reason == "bad-jpeg"


def test_real_footage_comes_out_alike_and_repeats_byte_for_byte() -> None:
    path = fixture("videos/vtest_480x360_10fps.mp4")
    pictures = []
    with av.open(str(path), mode="r") as container:
        for frame in container.decode(video=0):
            pictures.append(frame.to_ndarray(format="bgr24"))
            if len(pictures) == 12:
                break
    jpegs = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
    frames = [(START + 100 * n, jpeg) for n, jpeg in enumerate(jpegs)]
    clip = encode_clip(frames, START + 1200)
    assert clip == encode_clip(frames, START + 1200)
    shown, _ = decoded(clip)
    for picture, (_, seen) in zip(pictures, shown, strict=True):
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        error = np.mean((grey.astype(float) - seen.astype(float)) ** 2)
        psnr_db = 10 * np.log10(255**2 / error)
        assert psnr_db > 28, "the clip does not look like its frames"
