"""A camera at this machine's USB (Video4Linux), read by OpenCV: the ``av`` wheel has no V4L2."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from producers.privacy import Image
from producers.sources.source import READ_TIMEOUT_S, Packet, Picture, SourceReport, StreamFacts
from schemas.errors import Rejected, Retryable

DEVICES = Path("/dev")

_MODES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))
"""Sizes that cameras have, one of which is asked for; the driver takes the nearest it knows."""
_USUAL_INTERVAL_MS = Fraction(100, 3)


class Device(Protocol):
    """What is used of ``cv2.VideoCapture``."""

    def isOpened(self) -> bool:  # noqa: N802 (OpenCV's name)
        """Tell whether the device is open."""
        ...

    def grab(self) -> bool:
        """Wait for the next picture; False: none came in time."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the picture that was grabbed last, BGR."""
        ...

    def get(self, property_: int) -> float:
        """Return a property; 0 where it is not known."""
        ...

    def release(self) -> None:
        """Close the device."""
        ...


class UsbSource:
    """One opening of a USB camera.

    Args:
        number: of the device, N in ``/dev/videoN``.
        width: in pixels that are analysed, for the choice of a mode; ``native``: the largest.
        devices: folder of the devices.
        open_device: opens one; tests bring their own.
    """

    live = True

    def __init__(
        self,
        number: int,
        width: int | str,
        *,
        devices: Path = DEVICES,
        open_device: Callable[[int, tuple[int, int]], Device] | None = None,
    ) -> None:
        self._number = number
        self._path = devices / f"video{number}"
        self._mode = mode_for(width)
        self._open_device = open_device or _open_v4l2
        self._device: Device | None = None

    def open(self) -> None:
        """Open the device.

        Raises:
            Retryable: it is not plugged in, or somebody else uses it.
            Rejected: this user may not read it, or it is no camera.
        """
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_NONBLOCK))
        except OSError as error:
            raise self._unreadable(error) from None
        self._device = self._open_device(self._number, self._mode)
        if not self._device.isOpened():
            raise Retryable(
                f"{self._path} gives no pictures: another program may use it, or it is the "
                "second device of a camera (try the next number)"
            )

    def __iter__(self) -> Iterator[Packet | Picture]:
        """Yield what the camera sees; a picture's pixels are there until the next one is read.

        Raises:
            Retryable: the camera was unplugged or fell silent.
        """
        assert self._device is not None, "open() comes first"
        opened_s = time.monotonic()
        while self._device.grab():
            pts_ms = Fraction(round(1000 * (time.monotonic() - opened_s)))
            yield Picture(pts_ms, self._retrieve)
        raise Retryable(f"{self._path} fell silent: check the camera's plug and cable")

    def facts(self) -> StreamFacts | None:
        """Return None: the driver's pictures are not packets."""
        return None

    def report(self) -> SourceReport:
        """Return the interval that the driver declares."""
        rate = 0.0 if self._device is None else self._device.get(cv2.CAP_PROP_FPS)
        return SourceReport(1000 / Fraction(rate) if rate > 0 else _USUAL_INTERVAL_MS)

    def close(self) -> None:
        """Close the device."""
        if self._device is not None:
            self._device.release()
            self._device = None

    def _retrieve(self) -> Image:
        assert self._device is not None, "the device is open"
        done, image = self._device.retrieve()
        if not done:
            raise Retryable(f"{self._path} sent a picture that cannot be decoded")
        return np.asarray(image, np.uint8)

    def _unreadable(self, error: OSError) -> Rejected | Retryable:
        match error.errno:
            case errno.ENOENT | errno.ENODEV | errno.ENXIO:
                there = sorted(path.name for path in self._path.parent.glob("video[0-9]*"))
                others = f"there is {', '.join(there)}" if there else "there is no other"
                return Retryable(
                    f"there is no camera {self._path}: plug it in; {others} on this machine"
                )
            case errno.EACCES | errno.EPERM:
                return Rejected(
                    f"{self._path} may not be read: add this user to the group that owns it "
                    "(usually `video`)",
                    reason="forbidden",
                )
        return Retryable(f"{self._path} cannot be opened: {error.strerror}")


def mode_for(width: int | str) -> tuple[int, int]:
    """Return the smallest usual size that is wide enough to analyse, else the largest.

    >>> mode_for(640), mode_for(1000), mode_for("native"), mode_for(8000)
    ((640, 480), (1280, 720), (3840, 2160), (3840, 2160))
    """
    wide = [mode for mode in _MODES if not isinstance(width, str) and mode[0] >= width]
    return wide[0] if wide else _MODES[-1]


def _open_v4l2(number: int, mode: tuple[int, int]) -> Device:
    device = cv2.VideoCapture(number, cv2.CAP_V4L2)
    columns, rows = mode
    for name, value in (
        # Without it most cameras send uncompressed pictures, of small sizes or a few a second.
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, columns),
        (cv2.CAP_PROP_FRAME_HEIGHT, rows),
        (cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * READ_TIMEOUT_S)),
    ):
        device.set(name, value)
    return device
