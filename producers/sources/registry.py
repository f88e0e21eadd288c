"""Which code reads which kind of source: a new kind is a new file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from producers.sources.file import FileSource
from producers.sources.rtsp import RtspSource
from producers.sources.source import Source
from producers.sources.synthetic import SyntheticSource
from schemas.errors import Rejected
from schemas.site import Camera

Make = Callable[[Camera, Mapping[str, str]], Source]

_KINDS: dict[str, Make] = {
    "file": lambda camera, _: FileSource(Path(camera.source.location), packets=camera.writes_video),
    "rtsp": lambda camera, environment: RtspSource(
        camera.source.location, camera.credentials, environment, packets=camera.writes_video
    ),
    "synthetic": lambda camera, _: SyntheticSource(
        camera.source.location, camera.source.options.get("seed", 0)
    ),
}


def make_source(camera: Camera, environment: Mapping[str, str]) -> Source:
    """Return the source of a camera, not opened yet.

    Args:
        camera: whose ``source`` and ``credentials`` say where and how.
        environment: variables in which passwords are looked up.

    Raises:
        Rejected: nothing reads this kind of source.
    """
    make = _KINDS.get(camera.source.kind)
    if make is None:
        raise Rejected(
            f"sources of the kind {camera.source.kind} are not built yet: use the camera's "
            "rtsp://… address, a file or synthetic:walkers",
            reason="unsupported-source",
        )
    return make(camera, environment)
