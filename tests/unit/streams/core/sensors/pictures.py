"""Drawn scenes, and what capture says of them, for sensors that look at pictures."""

from collections.abc import Callable, Iterable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from producers import looks
from schemas.records import View

Image = npt.NDArray[np.uint8]
Change = Callable[[Image], Image]
WIDTH, HEIGHT = 640, 360


def yard(noise: int = 0, *, level: float = 3.0, seed: int = 5) -> Image:
    """Return a yard with walls, doors and a fence, and the sensor's noise of one moment."""
    return _yard(noise % 64, level, seed).copy()


@lru_cache(maxsize=256)
def _yard(noise: int, level: float, seed: int) -> Image:
    drawn = np.random.default_rng(seed)
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    cv2.rectangle(image, (0, 200), (WIDTH, HEIGHT), (90, 100, 95), -1)
    for _ in range(40):
        x, y = int(drawn.integers(0, WIDTH)), int(drawn.integers(0, HEIGHT))
        w, h = int(drawn.integers(15, 120)), int(drawn.integers(15, 90))
        grey = int(drawn.integers(30, 220))
        cv2.rectangle(image, (x, y), (x + w, y + h), (grey, grey, grey), -1)
    noisy = image + np.random.default_rng(1000 + noise).normal(0, level, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def shifted(image: Image, across: float, down: float) -> Image:
    """Return what a camera shows that was turned by these shares of its view."""
    matrix = np.array([[1, 0, across * WIDTH], [0, 1, down * HEIGHT]], np.float32)
    moved = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)


def blurred(image: Image, pixels: float = 4) -> Image:
    """Return the picture out of focus."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), pixels), np.uint8)


def dimmed(image: Image, factor: float) -> Image:
    """Return the picture in less light; the noise is added anew."""
    noise = np.random.default_rng(int(image[0, 0, 0])).normal(0, 2, image.shape)
    return np.clip(image * factor + noise, 0, 255).astype(np.uint8)


def hand(image: Image) -> Image:
    """Return what is seen with a hand before the lens: soft, and darker to one side."""
    slope = np.linspace(40, 80, WIDTH)[None, :, None] * np.ones((HEIGHT, 1, 3))
    noise = np.random.default_rng(int(image[0, 0, 0])).normal(0, 2, image.shape)
    return np.clip(slope + noise, 0, 255).astype(np.uint8)


def views(images: Iterable[Image], every_ms: int = 200) -> list[tuple[int, View]]:
    """Return (ms, view) of pictures that follow one another."""
    state, told = looks.LookState(), []
    for index, image in enumerate(images):
        state, view = looks.step(state, image, index * every_ms)
        told.append((index * every_ms, view))
    return told
