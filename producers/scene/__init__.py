"""The demo's drawn scene ``walkers``: pictures, their ground truth, and a site that fits them.

People walk along a path, some over the lawn; a car passes; a poster shows a person; clouds change
the light. Everything is a pure function of a seed and a frame's index.
"""

from producers.scene.configuration import site_yaml
from producers.scene.drawing import draw
from producers.scene.place import CAMERA, FPS, HEIGHT, SITE, WIDTH
from producers.scene.truth import TruthEvent, boxes, truth

__all__ = [
    "CAMERA",
    "FPS",
    "HEIGHT",
    "SITE",
    "WIDTH",
    "TruthEvent",
    "boxes",
    "draw",
    "site_yaml",
    "truth",
]
