"""The Range header (RFC 9110, 14): one range of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from consumers.api.problems import ProblemDocument

UNSATISFIABLE: dict[int | str, dict[str, Any]] = {
    416: {"model": ProblemDocument, "description": "The range begins behind the end."}
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(Exception):
    """The range begins behind the end."""


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive bytes of a whole."""

    first: int
    length: int


def byte_range(header: str | None, size: int) -> Part | None:
    """Return the part that is asked for; None: the whole, as for several ranges or other units.

    >>> byte_range("bytes=2-", 10)
    Part(first=2, length=8)
    >>> byte_range("bytes=-3", 10)
    Part(first=7, length=3)

    Raises:
        Unsatisfiable: it begins behind the end.
    """
    found = _RANGE.fullmatch((header or "").replace(" ", ""))
    if found is None or found[0] == "bytes=-":
        return None
    if not found[1]:
        first, last = max(0, size - int(found[2])), size - 1
    else:
        first, last = int(found[1]), min(int(found[2]) if found[2] else size - 1, size - 1)
        if found[2] and int(found[2]) < int(found[1]):
            # No range at all: as if there were no header.
            return None
    if first > last:
        raise Unsatisfiable(f"the whole has {size} bytes")
    return Part(first, last - first + 1)
