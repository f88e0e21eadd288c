"""What the tests of producers stand on: small films, a camera's configuration, fake clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from producers.privacy import Image
from producers.sources.source import Packet, Picture, SourceReport, StreamFacts
from schemas.errors import Backpressure, SightlineError
from schemas.records import Beat, Frame, Health, Record, Video
from schemas.site import Camera


def camera(**keys: Any) -> Camera:
    """A camera as the configuration file would give it."""
    return Camera.model_validate({"source": "film.avi", **keys})


def noise(seed: int, width: int = 64, height: int = 48) -> Image:
    """A picture of large random blocks: it survives compression and scaling."""
    generator = np.random.default_rng(seed)
    blocks = generator.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.ascontiguousarray(np.kron(blocks, np.ones((8, 8, 1), np.uint8)))


def make_film(path: Path, images: list[Image], fps: int = 10) -> Path:
    """Write the pictures as MJPEG in AVI."""
    height, width = images[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mjpeg", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def fragment(epoch_at: int, at_ms: int, *, key_frame: bool = True) -> Video:
    """A second of a camera's own video, that many ms after the epoch began; it holds no packets."""
    return Video(
        site="depot",
        camera="gate",
        epoch_at=epoch_at,
        captured_at=epoch_at + at_ms,
        duration_ms=1000,
        gop=at_ms // 1000,
        part=0,
        key_frame=key_frame,
        codec="h264",
        extradata=b"",
        width=64,
        height=48,
        time_base_numerator=1,
        time_base_denominator=1000,
        packets=(),
    )


def picture(at_ms: int | Fraction, image: Image | None = None) -> Picture:
    """A picture of a source, grey unless one is given."""
    shown = np.full((48, 64, 3), 90, np.uint8) if image is None else image
    return Picture(Fraction(at_ms), lambda: shown)


@dataclass
class ScriptedSource:
    """Gives what it is told to, then ends or fails."""

    items: list[Packet | Picture]
    live: bool = False
    at_open: SightlineError | None = None
    at_end: SightlineError | None = None
    interval_ms: Fraction = Fraction(100)
    closed: bool = False

    def open(self) -> None:
        if self.at_open is not None:
            raise self.at_open

    def __iter__(self) -> Iterator[Packet | Picture]:
        yield from self.items
        if self.at_end is not None:
            raise self.at_end

    def facts(self) -> StreamFacts | None:
        return StreamFacts("h264", b"sets", 64, 48, Fraction(1, 1000))

    def report(self) -> SourceReport:
        return SourceReport(self.interval_ms)

    def close(self) -> None:
        self.closed = True


@dataclass
class Ticking:
    """Clocks that a test moves by hand."""

    monotonic: int = 5_000
    host: int = 1_700_000_000_000

    def monotonic_ms(self) -> int:
        return self.monotonic

    def host_at(self) -> int:
        return self.host

    def move(self, ms: int) -> None:
        self.monotonic += ms
        self.host += ms


@dataclass
class Outbox:
    """Stands in for the producer: keeps what is sent, or refuses it."""

    sent: list[tuple[str, str | None, Record]] = field(default_factory=list)
    full: int = 0
    """So many sends are still to be refused."""

    def send(self, topic: str, record: Record, *, key: str | None = None) -> None:
        if self.full:
            self.full -= 1
            raise Backpressure("the queue is full", retry_after_s=0.001)
        self.sent.append((topic, key, record))

    def poll(self) -> int:
        return 0

    @property
    def frames(self) -> list[Frame]:
        return [record for _, _, record in self.sent if isinstance(record, Frame)]

    @property
    def beats(self) -> list[Beat]:
        return [record for _, _, record in self.sent if isinstance(record, Beat)]

    @property
    def health(self) -> list[Health]:
        return [record for _, _, record in self.sent if isinstance(record, Health)]

    @property
    def video(self) -> list[Video]:
        return [record for _, _, record in self.sent if isinstance(record, Video)]
