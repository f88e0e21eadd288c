"""Fragments of real video written as MP4 hold the very pictures, at their times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import Rejected
from streams.evidence.bitstream import annex_b
from streams.evidence.remux import remux, within
from tests.fixtures import fixture
from tests.unit.producers.parts import fragment, make_film, noise
from tests.unit.producers.test_producer_video import EPOCH, fragments, shown


@pytest.mark.parametrize(
    "name",
    [
        "videos/vtest_480x360_10fps.mp4",
        "videos/car-detection.mp4",
        "robustness/hevc_384x216.mp4",
        "robustness/mjpeg_384x216.avi",
        "robustness/vfr_40ms_with_1s_gaps.mp4",
        "robustness/odd_res_383x215_yuv444.mp4",
        "robustness/ts_cut_midpacket.ts",
    ],
)
def test_a_file_put_together_again_shows_the_same_pictures(name: str, tmp_path: Path) -> None:
    path = fixture(name)
    parts = fragments(path)
    (file,) = remux(parts, tmp_path / "out.mp4")
    assert shown(file.path) == shown(path)
    assert file.from_at == EPOCH
    assert [one.name for one in tmp_path.iterdir()] == ["out.mp4"]


def test_what_is_cut_out_begins_at_the_key_frame_before(tmp_path: Path) -> None:
    path = fixture("videos/vtest_480x360_10fps.mp4")
    parts = fragments(path)
    from_at, to_at = EPOCH + 30_000, EPOCH + 45_000
    chosen = list(within(parts, from_at, to_at))
    assert chosen[0].key_frame
    assert chosen[0].captured_at <= from_at
    # No later key frame would do.
    later = [one for one in chosen[1:] if one.key_frame and one.captured_at <= from_at]
    assert not later
    (file,) = remux(chosen, tmp_path / "out.mp4")
    whole = dict(shown(path))
    clip = shown(file.path)
    begun = file.from_at - EPOCH
    assert all(whole[begun + at] == data for at, data in clip)
    # All that was asked for is there; the last fragment may end between pictures that belong together.
    seen = {begun + at for at, _ in clip}
    assert {at for at in whole if 30_000 <= at < 45_000} <= seen


def test_nothing_is_chosen_where_there_is_nothing() -> None:
    parts = [fragment(EPOCH, 0), fragment(EPOCH, 1000)]
    assert not list(within(parts, EPOCH + 5000, EPOCH + 9000))
    assert not list(within(parts, EPOCH - 9000, EPOCH))
    # What follows a key frame that is no longer kept cannot be decoded.
    assert not list(within([fragment(EPOCH, 0, key_frame=False)], EPOCH, EPOCH + 500))


def test_another_opening_of_the_camera_goes_on_in_the_same_file_at_its_time(tmp_path: Path) -> None:
    parts = fragments(make_film(tmp_path / "film.avi", [noise(n) for n in range(20)]))
    again = [
        replace(one, epoch_at=EPOCH + 60_000, captured_at=one.captured_at + 60_000) for one in parts
    ]
    (file,) = remux([*parts, *again], tmp_path / "out.mp4")
    times = [at for at, _ in shown(file.path)]
    assert times == [*range(0, 2000, 100), *range(60_000, 62_000, 100)]
    assert (file.from_at, file.to_at) == (EPOCH, EPOCH + 62_000)


def test_a_stream_that_changes_begins_another_file(tmp_path: Path) -> None:
    small = fragments(make_film(tmp_path / "small.avi", [noise(n) for n in range(10)]))
    large = fragments(make_film(tmp_path / "large.avi", [noise(n, 128, 96) for n in range(10)]))
    files = list(remux([*small, *large, *small], tmp_path / "out.mp4"))
    assert [file.path.name for file in files] == ["out.mp4", "out-2.mp4", "out-3.mp4"]
    assert [len(shown(file.path)) for file in files] == [10, 10, 10]


def test_a_codec_that_is_not_known_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="is vp6f: only h264, hevc, mpeg4, mjpeg can be"):
        list(remux([replace(fragment(EPOCH, 0), codec="vp6f")], tmp_path / "out.mp4"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_damaged_parameter_sets_are_refused(codec: str) -> None:
    for cut in (1, 5, 6, 22, 23):
        with pytest.raises(Rejected, match="cut short"):
            annex_b(codec, b"\1" + b"\xff" * cut)
