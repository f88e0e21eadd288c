"""MOTChallenge files in and out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from infra.cli.motchallenge import presentation_ms, read_detections, readings, track_row
from schemas.errors import Rejected


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "det.txt"
    path.write_text(text)
    return path


def test_frames_without_rows_are_frames(tmp_path: Path) -> None:
    path = _write(tmp_path, "1,-1,10,20,30,40,0.5,-1,-1,-1\n\n4,-1,0,0,50,100,0.9\n")
    frames, clamped = read_detections(path)
    found = list(
        readings(frames, camera="c", start_at=1000, fps=Fraction(10), size=(100, 200), count=None)
    )
    assert clamped == 0
    assert [reading.at for reading in found] == [1000, 1100, 1200, 1300]
    assert [len(reading.scores) for reading in found] == [1, 0, 0, 1]
    assert found[0].boxes == (0.1, 0.1, 0.4, 0.3)
    assert found[0].labels == ("person",)


def test_sampling_renumbers_the_frames(tmp_path: Path) -> None:
    frames, _ = read_detections(_write(tmp_path, "3,-1,10,20,30,40,0.5\n"))
    found = list(
        readings(
            frames,
            camera="c",
            start_at=0,
            fps=Fraction(10),
            size=(100, 200),
            count=5,
            sample=[True, False, True, False, True],
        )
    )
    assert [(reading.seq, reading.at) for reading in found] == [(0, 0), (1, 200), (2, 400)]
    assert [len(reading.scores) for reading in found] == [0, 1, 0]


def test_scores_outside_0_to_1_are_clamped_and_counted(tmp_path: Path) -> None:
    frames, clamped = read_detections(_write(tmp_path, "1,-1,1,1,1,1,1.5\n1,-1,1,1,1,1,-3\n"))
    assert [row.score for row in frames[1]] == [1.0, 0.0]
    assert clamped == 2


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("x,-1,1,1,1,1,0.5", "could not convert"),
        ("1,-1,1,1,1,1", "expected frame,-1,x,y,w,h,score"),
        ("1,-1,nan,1,1,1,0.5", "expected frame"),
        ("0,-1,1,1,1,1,0.5", "whole numbers from 1"),
        ("1.5,-1,1,1,1,1,0.5", "whole numbers from 1"),
        ("1,-1,1,1,0,1,0.5", "above 0"),
    ],
)
def test_a_bad_row_names_its_line(tmp_path: Path, row: str, says: str) -> None:
    path = _write(tmp_path, f"1,-1,1,1,1,1,0.5\n{row}\n")
    with pytest.raises(Rejected, match=says) as refused:
        read_detections(path)
    assert f"{path}:2" in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="cannot be read"):
        read_detections(tmp_path / "none.txt")


def test_times_are_rounded_once_and_do_not_drift() -> None:
    assert presentation_ms(1, Fraction("29.97")) == 33
    assert presentation_ms(2997, Fraction("29.97")) == 100_000


def test_a_track_row_is_in_pixels() -> None:
    row = track_row(3, 7, (0.1, 0.5, 0.2, 1.0), 0.875, (100, 50))
    assert row == "3,7,10.00,25.00,10.00,25.00,0.8750,-1,-1,-1"
