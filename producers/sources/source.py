"""What every source gives: pictures in order of presentation, and the packets they came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from producers.privacy import Image

OPEN_TIMEOUT_S = 8.0
"""How long a camera has to answer."""
READ_TIMEOUT_S = 6.0
"""Shorter than the 10 s after which a camera without frames counts as offline."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture; its pixels are made only when asked for, before the next one is read."""

    pts_ms: Fraction
    """Exact presentation time on the source's own scale, milliseconds."""
    make_image: Callable[[], Image]

    def image(self) -> Image:
        """Return the picture as BGR uint8 [rows, columns, 3], upright."""
        return self.make_image()


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of the camera's own video, in the order of decoding."""

    pts: int
    dts: int
    duration: int
    """0 where the source does not say."""
    key_frame: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """How the packets of a source are to be decoded."""

    codec: str
    """FFmpeg's name: h264, hevc, mpeg4, mjpeg."""
    extradata: bytes
    width: int
    height: int
    time_base: Fraction
    """Seconds in a unit of ``pts``."""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What is known of a source while or after it is read."""

    frame_interval_ms: Fraction
    """Between two pictures, as far as is known; above 0."""
    damaged_packets: int = 0
    """Packets that could not be decoded."""


class Source(Protocol):
    """One opening of a camera, file or scene; used by one thread, once."""

    @property
    def live(self) -> bool:
        """Whether time runs by itself there: an end is a disconnection, a gap is a fault."""
        ...

    def open(self) -> None:
        """Connect, or open the file; blocks for some seconds at most.

        Raises:
            Retryable: not reachable now (refused, timed out, gone).
            Rejected: it will not work as configured (wrong password, no such file, no video).
        """
        ...

    def __iter__(self) -> Iterator[Packet | Picture]:
        """Yield pictures in order of presentation; packets, if asked for, before their pictures.

        The end of a live source is a disconnection. Damaged packets are passed over.

        Raises:
            Retryable: the connection broke.
            Rejected: there is not one picture that can be decoded.
        """
        ...

    def facts(self) -> StreamFacts | None:
        """Return how the packets are decoded; None for a source without packets."""
        ...

    def report(self) -> SourceReport:
        """Return what is known of the source so far."""
        ...

    def close(self) -> None:
        """Let go of everything; safe to repeat, and without :meth:`open`."""
        ...
