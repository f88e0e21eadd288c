"""A drawn scene as a camera: picture k depends on the seed and k alone, and there is no end."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import count

from producers import scene
from producers.sources.source import Packet, Picture, SourceReport, StreamFacts
from schemas.errors import Rejected

SCENES = (scene.CAMERA,)


class SyntheticSource:
    """One showing of a scene from its first picture."""

    live = False

    def __init__(self, name: str, seed: int = 0) -> None:
        self._name = name
        self._seed = seed

    def open(self) -> None:
        """Find the scene and prepare what all its pictures share.

        Raises:
            Rejected: there is none of this name.
        """
        if self._name not in SCENES:
            known = ", ".join(f"synthetic:{name}" for name in SCENES)
            raise Rejected(
                f"there is no scene synthetic:{self._name}; there is {known}", reason="no-scene"
            )
        # The first picture takes seconds on a busy host that has never drawn one: its time would
        # stand before it, and a camera at real pace would stay that far behind.
        scene.draw(self._seed, 0)

    def __iter__(self) -> Iterator[Packet | Picture]:
        """Yield pictures without end; each is drawn only if its image is asked for."""
        for index in count():
            yield Picture(
                index * self.report().frame_interval_ms, partial(scene.draw, self._seed, index)
            )

    def facts(self) -> StreamFacts | None:
        """Return None: there are no packets."""
        return None

    def report(self) -> SourceReport:
        """Return the scene's frame interval."""
        return SourceReport(Fraction(1000, scene.FPS))

    def close(self) -> None:
        """Do nothing: nothing is held."""
