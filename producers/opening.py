"""One opening of a camera's source: its clock, its frames and its video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from producers import clock as clocks
from producers.frames import EpochFrames, Sampled
from producers.packets import Fragmenter
from producers.sources.source import Packet, Picture, StreamFacts
from schemas.records import Frame, Video
from schemas.site import Camera


@dataclass(frozen=True, slots=True)
class CameraTask:
    """Whose camera is captured, and as what."""

    site: str
    name: str
    camera: Camera


class Opening:
    """What becomes of the pictures and packets between opening and end; no I/O, no clock."""

    def __init__(self, task: CameraTask) -> None:
        self._task = task
        self._frames: EpochFrames | None = None
        self._video: Fragmenter | None = None
        self.clock: clocks.EpochClock | None = None
        """None before the first picture."""

    def begin(self, picture: Picture, epoch_at: int, monotonic_ms: int | None) -> None:
        """Start the epoch at its first picture; ``monotonic_ms`` for live sources."""
        self.clock = clocks.begin(epoch_at, picture.pts_ms, monotonic_ms)
        self._frames = EpochFrames(
            site=self._task.site,
            name=self._task.name,
            camera=self._task.camera,
            epoch_at=epoch_at,
            drawn=self._task.camera.source.kind == "synthetic",
        )
        if self._video is not None:
            self._video.begin(epoch_at, picture.pts_ms)

    def advance(self, picture: Picture, monotonic_ms: int) -> int:
        """Move to the next picture; return by how many ms the time had to be corrected."""
        assert self.clock is not None, "begin() comes first"
        before = self.clock.shift_ms
        self.clock = clocks.step(self.clock, picture.pts_ms, monotonic_ms)
        return self.clock.shift_ms - before

    def sample(self, picture: Picture) -> Sampled | None:
        """Return what the picture that was moved to gives; None: it is not sampled."""
        assert self.clock is not None and self._frames is not None, "begin() comes first"
        return self._frames.take(picture, self.clock.captured_at)

    def packet(self, packet: Packet, facts: StreamFacts) -> Iterator[Video]:
        """Yield the fragments that this packet completes."""
        if self._video is None:
            self._video = Fragmenter(self._task.site, self._task.name, facts)
        yield from self._video.add(packet, 0 if self.clock is None else self.clock.shift_ms)

    def last_frame(self) -> Frame | None:
        """Return the last picture if the motion gate still holds it."""
        return None if self._frames is None else self._frames.finish()

    def last_video(self) -> Iterator[Video]:
        """Yield the video that is not complete."""
        if self._video is not None:
            yield from self._video.finish()
