"""Where a step failed unexpectedly: from there on a copy of the state is kept, to go back to.

Such a failure is a fault of ours, and may leave a state half changed. The process ends, starts again
from the stored state, meets the same input with a copy in hand, and refuses that input alone.
"""

from __future__ import annotations

import json
from pathlib import Path

SPAN = 1000
"""So many further messages of a partition are handled with care: one failure seldom comes alone."""


class Caution:
    """Outlives the process: the note is a file of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._until: dict[str, int] = _read(path)

    def covers(self, topic: str, partition: int, offset: int) -> bool:
        """Tell whether a message is to be handled with care; forget what lies behind it."""
        place = _place(topic, partition)
        until = self._until.get(place)
        if until is None or offset <= until:
            return until is not None
        del self._until[place]
        self._write()
        return False

    def note(self, topic: str, partition: int, offset: int) -> None:
        """Remember that a step failed on this message."""
        self._until[_place(topic, partition)] = offset + SPAN
        self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self._until, sort_keys=True), encoding="utf-8")
        part.replace(self._path)


def _place(topic: str, partition: int) -> str:
    return f"{topic}/{partition}"


def _read(path: Path) -> dict[str, int]:
    try:
        return {str(k): int(v) for k, v in json.loads(path.read_text(encoding="utf-8")).items()}
    except (FileNotFoundError, ValueError, AttributeError):
        # A file that cannot be read costs one more restart, no more.
        return {}
