from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from producers.frames import frames_of
from schemas.errors import Rejected
from schemas.records import Frame
from tests.unit.producers.parts import ScriptedSource, camera, make_film, noise, picture

START = 946_684_800_000


def read(source: Any, start_at: int = START, **keys: Any) -> list[Frame]:
    found = frames_of(source, camera(**keys), site="depot", name="gate", start_at=start_at)
    return list(found)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_film(tmp_path / "film.avi", [noise(n) for n in range(20)])


def test_two_readings_of_a_file_give_the_same_records(film: Path) -> None:
    assert read(film) == read(film)


def test_frames_are_numbered_and_timed_from_the_start(film: Path) -> None:
    frames = read(film)
    assert [one.seq for one in frames] == list(range(10))
    assert [one.captured_at - START for one in frames] == [200 * n for n in range(10)]
    assert {(one.epoch_at, one.site, one.camera) for one in frames} == {(START, "depot", "gate")}
    assert (frames[0].width, frames[0].height) == (64, 48)
    assert frames[0].motion is None
    assert all(one.motion and one.motion > 0.5 for one in frames[1:])


def test_another_start_moves_the_times_and_nothing_else(film: Path) -> None:
    moved = [
        replace(one, epoch_at=one.epoch_at - 7, captured_at=one.captured_at - 7)
        for one in read(film, START + 7)
    ]
    assert moved == read(film)


def test_native_gives_every_picture_with_the_pixels_of_its_own(film: Path) -> None:
    frames = read(film, fps="native")
    assert len(frames) == 20
    for index in (0, 7, 19):
        shown = cv2.imdecode(np.frombuffer(frames[index].jpeg, np.uint8), 1).astype(int)
        differences = [float(np.abs(shown - noise(other)).mean()) for other in range(20)]
        assert differences.index(min(differences)) == index


def test_the_size_of_the_source_is_told_beside_the_analysed_one(film: Path) -> None:
    (first, *_) = read(film, width=32)
    sizes = (first.width, first.height, first.source_width, first.source_height)
    assert sizes == (32, 24, 64, 48)


def test_frames_read_as_fast_as_possible_are_to_be_kept(film: Path) -> None:
    assert all(one.keep for one in read(film, pace="max"))
    assert not any(one.keep for one in read(film))


def test_the_gate_tells_of_stillness_and_always_of_the_end() -> None:
    pictures = [picture(100 * n) for n in range(26)] + [picture(2600, noise(1))]
    still = [picture(2600 + 100 * n, noise(1)) for n in range(1, 10)]
    frames = read(ScriptedSource([*pictures, *still]), fps=10, motion_gate=True)
    assert [(one.captured_at - START, one.still) for one in frames] == [
        (0, False),
        (2000, True),
        (2600, True),
        (3500, True),
    ]
    assert [one.seq for one in frames] == [0, 1, 2, 3]


def test_without_the_gate_the_same_pictures_are_all_sent() -> None:
    frames = read(ScriptedSource([picture(100 * n) for n in range(26)]), fps=10)
    assert len(frames) == 26


def test_times_before_the_first_picture_and_repeated_ones_give_nothing() -> None:
    times = (500, 600, 600, 100, 700)
    frames = read(ScriptedSource([picture(ms) for ms in times]), fps="native")
    assert [one.captured_at - START for one in frames] == [0, 100, 200]


def test_the_source_is_closed_whatever_happens() -> None:
    broken = ScriptedSource([picture(0)], at_end=Rejected("damaged"))
    with pytest.raises(Rejected, match="damaged"):
        read(broken)
    assert broken.closed
    left = ScriptedSource([picture(0), picture(500)])
    reading = frames_of(left, camera(), site="depot", name="gate", start_at=START)
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert left.closed
