"""A picture of a camera: the one given, or the first that its source gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from producers.picture import analysed
from producers.privacy import Image
from producers.sources.registry import make_source
from producers.sources.source import Picture
from schemas.errors import Rejected
from schemas.site import Camera


def read_picture(path: Path) -> Image:
    """Return the picture in a file, BGR uint8 [rows, columns, 3].

    Raises:
        Rejected: there is no such file, or it is no picture.
    """
    if not path.is_file():
        raise Rejected(f"{path} is not there: give the path of a JPEG or PNG file")
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise Rejected(f"{path} is no picture: give a JPEG or PNG file")
    return np.asarray(picture, np.uint8)


def first_picture(camera: Camera, environment: Mapping[str, str]) -> Image:
    """Return the first picture of a camera's source, as large as it comes, privacy black.

    Raises:
        Rejected: the source will not work as configured, or gives no picture.
        Retryable: it cannot be reached now.
    """
    source = make_source(camera, environment)
    try:
        source.open()
        for item in source:
            if isinstance(item, Picture):
                return analysed(item.image(), camera.model_copy(update={"width": "native"}))
    finally:
        source.close()
    raise Rejected(f"{camera.source} gives no picture")
