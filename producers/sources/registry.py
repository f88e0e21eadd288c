"""Which code reads which kind of source: a new kind is a new file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from producers.sources.file import FileSource
from producers.sources.http import HttpSource
from producers.sources.onvif import OnvifSource
from producers.sources.rtsp import RtspSource
from producers.sources.source import Source
from producers.sources.synthetic import SyntheticSource
from producers.sources.usb import UsbSource
from schemas.site import Camera
from schemas.site.source import SourceKind

Make = Callable[[Camera, Mapping[str, str]], Source]

_KINDS: dict[SourceKind, Make] = {
    "file": lambda camera, _: FileSource(Path(camera.source.location), packets=camera.writes_video),
    "http": lambda camera, environment: HttpSource(
        camera.source.location,
        camera.credentials,
        environment,
        rate=camera.fps_fraction,
        packets=camera.writes_video,
    ),
    "onvif": lambda camera, environment: OnvifSource(
        camera.source.location,
        camera.source.options.get("profile", 0),
        camera.credentials,
        environment,
        packets=camera.writes_video,
    ),
    "rtsp": lambda camera, environment: RtspSource(
        camera.source.location, camera.credentials, environment, packets=camera.writes_video
    ),
    "synthetic": lambda camera, _: SyntheticSource(
        camera.source.location, camera.source.options.get("seed", 0)
    ),
    "usb": lambda camera, _: UsbSource(int(camera.source.location), camera.width),
}


def make_source(camera: Camera, environment: Mapping[str, str]) -> Source:
    """Return the source of a camera, not opened yet.

    Args:
        camera: whose ``source`` and ``credentials`` say where and how.
        environment: variables in which passwords are looked up.
    """
    return _KINDS[camera.source.kind](camera, environment)
