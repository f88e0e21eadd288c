"""The frames of one epoch: the way from picture to record that capture and replay share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from producers import clock as clocks
from producers import gate, looks
from producers.picture import analysed, encoded
from producers.privacy import Image
from producers.sampler import Sampler
from producers.sources.file import FileSource
from producers.sources.source import Picture, Source
from producers.sources.synthetic import SyntheticSource
from schemas.records import Frame, View
from schemas.site import Camera, milliseconds


@dataclass(frozen=True, slots=True)
class Sampled:
    """What one sampled picture gave."""

    captured_at: int
    frame: Frame | None
    """None: the motion gate holds it back."""


@dataclass(frozen=True, slots=True)
class _Held:
    captured_at: int
    image: Image
    source_size: tuple[int, int]
    motion: float | None
    view: View


class EpochFrames:
    """Turns the pictures of one opening of a source into frames.

    Args:
        site, name: whose frames these are.
        camera: how pictures are sampled, masked, scaled and gated.
        epoch_at: UTC ms of the first picture.
        config_version: that the frames are stamped with.
        drawn: the pictures come from no camera: that one is repeated says nothing.
    """

    def __init__(
        self,
        *,
        site: str,
        name: str,
        camera: Camera,
        epoch_at: int,
        config_version: int = 0,
        drawn: bool = False,
    ) -> None:
        self._site = site
        self._name = name
        self._camera = camera
        self._epoch_at = epoch_at
        self._config_version = config_version
        self._sampler = Sampler(camera.fps_fraction)
        self._gate = gate.GateState()
        self._gate_config = gate.GateConfig(camera.motion_gate, milliseconds(camera.idle_s))
        self._look = looks.LookState()
        self._drawn = drawn
        self._held: _Held | None = None
        self._seq = 0

    def take(self, picture: Picture, captured_at: int) -> Sampled | None:
        """Return what the next picture gives; None: it is not sampled.

        Raises:
            Rejected: the picture cannot be encoded.
        """
        if not self._sampler.takes(captured_at - self._epoch_at):
            return None
        image = picture.image()
        source_size = (image.shape[1], image.shape[0])
        image = analysed(image, self._camera)
        self._gate, decision = gate.step(
            self._gate, gate.thumbnail_of(image), captured_at, self._gate_config
        )
        self._look, view = looks.step(self._look, image, captured_at, drawn=self._drawn)
        sampled = _Held(captured_at, image, source_size, decision.motion, view)
        if not decision.send:
            self._held = sampled
            return Sampled(captured_at, None)
        self._held = None
        return Sampled(captured_at, self._frame(sampled, decision.still))

    def finish(self) -> Frame | None:
        """Return the last picture if the gate holds it: an epoch's end is always told."""
        held, self._held = self._held, None
        return None if held is None else self._frame(held, True)

    def _frame(self, sampled: _Held, still: bool) -> Frame:
        picture = encoded(sampled.image)
        seq, self._seq = self._seq, self._seq + 1
        return Frame(
            site=self._site,
            camera=self._name,
            epoch_at=self._epoch_at,
            seq=seq,
            captured_at=sampled.captured_at,
            config_version=self._config_version,
            width=picture.width,
            height=picture.height,
            source_width=sampled.source_size[0],
            source_height=sampled.source_size[1],
            motion=sampled.motion,
            still=still,
            keep=self._camera.pace == "max",
            view=sampled.view,
            jpeg=picture.jpeg,
        )


def frames_of(
    source: Source | Path,
    camera: Camera,
    *,
    site: str,
    name: str,
    start_at: int,
    config_version: int = 0,
) -> Iterator[Frame]:
    """Yield the frames of one reading of a file or scene, as capture writes them.

    With ``start_at`` (UTC ms) set to the epoch of a live run the frames are the same as there; their
    ``view``, which capture writes only where a sensor asks for it, is always told.
    ``source`` is a file's path or a source that has not been opened; it is closed at the end.

    Raises:
        Rejected: the source cannot be read, or holds no picture.
    """
    opened = FileSource(source) if isinstance(source, Path) else source
    frames = EpochFrames(
        site=site,
        name=name,
        camera=camera,
        epoch_at=start_at,
        config_version=config_version,
        drawn=isinstance(opened, SyntheticSource),
    )
    clock: clocks.EpochClock | None = None
    try:
        opened.open()
        for item in opened:
            if not isinstance(item, Picture):
                continue
            if clock is None:
                clock = clocks.begin(start_at, item.pts_ms)
            else:
                clock = clocks.step(clock, item.pts_ms, monotonic_ms=0)
            sampled = frames.take(item, clock.captured_at)
            if sampled is not None and sampled.frame is not None:
                yield sampled.frame
        last = frames.finish()
        if last is not None:
            yield last
    finally:
        opened.close()
