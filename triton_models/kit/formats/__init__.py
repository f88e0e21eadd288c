"""Formats of a detector's output: one file and one line here for each.

Imports only numpy and the standard library, because the post-processing step of a stock Triton
image runs it too.
"""

from __future__ import annotations

from triton_models.kit.formats.classes import Classes
from triton_models.kit.formats.detr import Detr
from triton_models.kit.formats.fastestdet import FastestDet
from triton_models.kit.formats.format import Format
from triton_models.kit.formats.nanodet import NanoDet
from triton_models.kit.formats.yolo import Yolo
from triton_models.kit.formats.yolox import Yolox

FORMATS: dict[str, Format] = {
    "yolox": Yolox(),
    "yolo": Yolo(),
    "nanodet": NanoDet(),
    "fastestdet": FastestDet(),
    "detr": Detr(),
    "classes": Classes(),
}
