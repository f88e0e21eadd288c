from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from producers.frames import frames_of
from producers.sources.file import FileSource
from producers.sources.source import Packet, Picture
from schemas.errors import Rejected
from tests.fixtures import fixture
from tests.unit.producers.parts import camera, make_film, noise

DECODED = {
    "annexb_5pct_nal_loss.h264": 179,
    "annexb_ok.h264": 180,
    "annexb_starts_mid_gop.h264": 120,
    "bitflips200_mdat.mp4": 376,
    "black_middle_60.mp4": 180,
    "decord_corrupted.mp4": 49,
    "frozen_after_60.mp4": 180,
    "gray.mp4": 180,
    "hevc_384x216.mp4": 180,
    "high_fps_120.mp4": 180,
    "mjpeg_384x216.avi": 180,
    "odd_res_383x215_yuv444.mp4": 180,
    "one_fps.mp4": 15,
    "single_frame.mp4": 1,
    "tiny_16x16.mp4": 30,
    "torchcodec_nasa_13013.mp4": 390,
    "truncated_60pct.mp4": 220,
    "ts_cut_midpacket.ts": 59,
    "ts_pts_jump_backward_2h.ts": 180,
    "ts_pts_jump_forward_2h.ts": 180,
    "vali_test_hevc10.mkv": 110,
    "vali_test_rot_90_deg.mp4": 30,
    "vfr_40ms_with_1s_gaps.mp4": 180,
    "zeroed_64k_hole.mp4": 370,
}
REFUSED = {
    "annexb_no_sps_pps.h264": "not one picture",
    "audio_only.m4a": "no video stream",
    "moov_missing.mp4": "its index is missing",
    "random_64k.mp4": "not a video file",
    "text_as_video.mp4": "not a video file",
    "torchcodec_audio_only.mp3": "no video stream",
    "zero_byte.mp4": "not a video file",
}


def pictures(path: Path) -> list[Picture]:
    source = FileSource(path)
    try:
        source.open()
        return [item for item in source if isinstance(item, Picture)]
    finally:
        source.close()


def test_every_damaged_file_is_known_here() -> None:
    folder = fixture("robustness")
    assert {path.name for path in folder.iterdir()} == DECODED.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", DECODED)
def test_a_damaged_or_odd_file_is_decoded_as_far_as_it_goes(name: str) -> None:
    path = fixture(f"robustness/{name}")
    frames = list(frames_of(path, camera(), site="s", name="c", start_at=1_000_000))
    assert len(pictures(path)) == DECODED[name]
    assert frames
    assert [one.seq for one in frames] == list(range(len(frames)))
    times = [one.captured_at for one in frames]
    assert times[0] == 1_000_000
    assert times == sorted(set(times))
    assert all(one.jpeg.startswith(b"\xff\xd8") for one in frames)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_video_is_refused_and_the_message_says_why_and_what_to_do(name: str) -> None:
    path = fixture(f"robustness/{name}")
    with pytest.raises(Rejected) as refused:
        pictures(path)
    assert REFUSED[name] in str(refused.value)
    assert str(path) in str(refused.value)
    assert "repair it or give another file" in str(refused.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"there is no file .*gone\.mp4: check the path"):
        FileSource(tmp_path / "gone.mp4").open()
    with pytest.raises(Rejected, match="is a folder"):
        FileSource(tmp_path).open()


def test_a_playlist_does_not_make_us_read_other_files(tmp_path: Path) -> None:
    secret = make_film(tmp_path / "secret.avi", [noise(1)])
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"ffconcat version 1.0\nfile {secret}\n")
    with pytest.raises(Rejected):
        pictures(playlist)


def test_a_raw_stream_without_times_goes_by_its_frame_rate() -> None:
    times = [one.pts_ms for one in pictures(fixture("robustness/annexb_ok.h264"))]
    assert times[:4] == [0, 40, 80, 120]


def test_uneven_frame_times_are_kept_exactly() -> None:
    times = [one.pts_ms for one in pictures(fixture("robustness/vfr_40ms_with_1s_gaps.mp4"))]
    steps = {after - before for before, after in pairwise(times)}
    assert min(steps) == 40
    assert max(steps) == 1000


def test_a_picture_filmed_on_its_side_is_turned_upright() -> None:
    first = pictures(fixture("robustness/vali_test_rot_90_deg.mp4"))[0]
    assert first.image().shape == (848, 464, 3)


def test_packets_come_before_their_pictures_and_are_the_files_own() -> None:
    path = fixture("videos/car-detection.mp4")
    source = FileSource(path, packets=True)
    source.open()
    try:
        items = list(source)
        facts = source.facts()
    finally:
        source.close()
    packets = [item for item in items if isinstance(item, Packet)]
    assert isinstance(items[0], Packet)
    assert packets[0].key_frame
    assert len(packets) == len([item for item in items if isinstance(item, Picture)]) == 377
    assert facts is not None
    assert (facts.codec, facts.width, facts.height) == ("h264", 768, 432)
    assert facts.extradata


def test_the_frame_interval_is_exact(tmp_path: Path) -> None:
    source = FileSource(make_film(tmp_path / "film.avi", [noise(1), noise(2)], fps=30))
    source.open()
    try:
        assert source.report().frame_interval_ms == Fraction(100, 3)
    finally:
        source.close()
