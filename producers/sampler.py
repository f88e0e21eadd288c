"""Which decoded pictures are analysed, by presentation time, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction


def round_ms(time_ms: Fraction) -> int:
    """Round an exact time to whole milliseconds, ties to even.

    >>> round_ms(Fraction(100, 3)), round_ms(Fraction(5, 2)), round_ms(Fraction(-1, 3))
    (33, 2, 0)
    """
    return round(time_ms)


class Sampler:
    """Takes a picture when floor(ms x fps / 1000) exceeds that of the last one taken.

    ``ms`` counts from the epoch's first picture, which is always taken. There is no catching up: a
    gap costs the pictures that would have stood in it. One sampler serves one epoch.

    Args:
        fps: analysed pictures a second, exact; None takes every one (``native``).
    """

    def __init__(self, fps: Fraction | None) -> None:
        if fps is not None and fps <= 0:
            raise ValueError(f"fps is {fps}: a rate above 0, or None for every picture")
        self._fps = fps
        self._last: int | None = None

    def takes(self, ms: int) -> bool:
        """Tell whether the picture at ``ms`` is analysed; one whose time does not rise is not.

        >>> sampler = Sampler(Fraction(5))
        >>> [ms for ms in range(0, 1000, 80) if sampler.takes(ms)]
        [0, 240, 400, 640, 800]
        """
        fps = self._fps
        slot = ms if fps is None else ms * fps.numerator // (1000 * fps.denominator)
        if self._last is not None and slot <= self._last:
            return False
        self._last = slot
        return True
