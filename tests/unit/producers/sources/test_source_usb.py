"""A USB camera, without one: the device is a stand-in, the file that names it is real."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from producers.sources.source import Picture
from producers.sources.usb import UsbSource
from schemas.errors import Rejected, Retryable


class Webcam:
    """Gives so many pictures; the k-th is of the grey k."""

    def __init__(self, pictures: int, *, opened: bool = True, rate: float = 25.0) -> None:
        self.left = pictures
        self.shown = 0
        self.opened = opened
        self.rate = rate
        self.decoded = 0

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def grab(self) -> bool:
        self.left -= 1
        self.shown += 1
        return self.left >= 0

    def retrieve(self) -> tuple[bool, Any]:
        self.decoded += 1
        return True, np.full((48, 64, 3), self.shown, np.uint8)

    def get(self, property_: int) -> float:
        return self.rate

    def release(self) -> None:
        self.opened = False


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    (tmp_path / "video0").touch()
    (tmp_path / "video2").touch()
    return tmp_path


def source(devices: Path, webcam: Webcam, number: int = 0) -> UsbSource:
    asked: list[tuple[int, tuple[int, int]]] = []

    def open_device(number: int, mode: tuple[int, int]) -> Webcam:
        asked.append((number, mode))
        assert mode == (1280, 720)
        return webcam

    return UsbSource(number, 1280, devices=devices, open_device=open_device)


def test_only_pictures_that_are_asked_for_are_decoded(devices: Path) -> None:
    webcam = Webcam(5)
    opened = source(devices, webcam)
    opened.open()
    items: Iterator[Any] = iter(opened)
    shown = [next(items) for _ in range(4)]
    assert webcam.decoded == 0
    fifth = next(items)
    assert isinstance(fifth, Picture)
    assert fifth.image()[0, 0, 0] == 5
    times = [one.pts_ms for one in shown]
    assert times == sorted(times)
    assert opened.report().frame_interval_ms == 40
    opened.close()
    assert not webcam.opened


def test_a_camera_that_is_pulled_out_is_told_of(devices: Path) -> None:
    opened = source(devices, Webcam(1))
    opened.open()
    with pytest.raises(Retryable, match="video0 fell silent: check the camera's plug"):
        list(opened)
    opened.close()


def test_a_camera_that_is_not_there_is_waited_for(devices: Path) -> None:
    with pytest.raises(Retryable, match="video1: plug it in") as told:
        source(devices, Webcam(1), number=1).open()
    assert str(told.value).startswith("there is no camera ")
    assert "there is video0, video2 on this machine" in str(told.value)


def test_a_device_that_gives_no_pictures_is_told_of(devices: Path) -> None:
    with pytest.raises(Retryable, match="another program may use it"):
        source(devices, Webcam(0, opened=False)).open()


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_device_that_may_not_be_read_is_refused(devices: Path) -> None:
    (devices / "video0").chmod(0)
    with pytest.raises(Rejected, match="add this user to the group") as refused:
        source(devices, Webcam(1)).open()
    assert refused.value.reason == "forbidden"


def test_a_file_is_no_camera(devices: Path) -> None:
    """With OpenCV itself: the device is opened by its number, on a machine without such a one."""
    (devices / "video999").touch()
    opened = UsbSource(999, 640, devices=devices)
    with pytest.raises(Retryable, match="video999 gives no pictures"):
        opened.open()
    opened.close()
