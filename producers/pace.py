"""How fast a file or scene is read: by its own times."""

from __future__ import annotations

TOLERANCE_MS = 2000
"""Further behind than this (a busy host, a broker away) the lost time is not made up in a burst."""
MOST_WAIT_MS = 60_000
"""A longer gap in a file's times is not waited for."""


class RealPace:
    """Says how long until a picture is due, counting from the first one asked for.

    It runs on over the loops of a file, whose times follow one another.
    """

    def __init__(self) -> None:
        self._offset_ms: int | None = None

    def wait_ms(self, captured_at: int, monotonic_ms: int) -> int:
        """Return how long to wait from now until the picture of this time is due, 0 or more."""
        if self._offset_ms is None:
            self._offset_ms = monotonic_ms - captured_at
        wait_ms = captured_at + self._offset_ms - monotonic_ms
        if not -TOLERANCE_MS <= wait_ms <= MOST_WAIT_MS:
            self._offset_ms = monotonic_ms - captured_at
            return 0
        return max(0, wait_ms)
