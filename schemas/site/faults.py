"""What is wrong with a site configuration, told to a person."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

Loc = tuple[str | int, ...]
"""Where in the file: the keys and list indices from the top."""

REFUSED = "refused"
"""Type of the pydantic error that carries findings from a validator."""


class Finding(NamedTuple):
    """One mistake, with its place relative to whatever is being validated."""

    loc: Loc
    problem: str
    allowed: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a configuration file.

    ``path`` reads like ``sensors.gate-line.points[1][0]`` and is empty for the file as a whole;
    ``line`` and ``column`` count from 1.

    >>> print(Fault("cameras.gate.fps", "0 is too small", "a number from 0.001 to 1000", line=7))
    line 7: cameras.gate.fps: 0 is too small (allowed: a number from 0.001 to 1000)
    """

    path: str
    problem: str
    allowed: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = []
        if self.line is not None:
            where = f"line {self.line}"
            if not self.path and self.column is not None:
                where += f", column {self.column}"
            place.append(where)
        if self.path:
            place.append(self.path)
        head = "".join(f"{part}: " for part in place)
        tail = f" (allowed: {self.allowed})" if self.allowed else ""
        return f"{head}{self.problem}{tail}"


def path_text(loc: Loc) -> str:
    """Write a place as a person reads it.

    >>> path_text(("sensors", "gate-line", "points", 1, 0))
    'sensors.gate-line.points[1][0]'
    >>> path_text(("cameras", "a.b", "fps"))
    'cameras["a.b"].fps'
    """
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part and all(ch.isalnum() or ch in "_-" for ch in part):
            text += f".{part}" if text else part
        else:
            quoted = part if len(part) <= 70 else part[:67] + "..."
            text += "[" + '"' + "".join(c if c.isprintable() else "?" for c in quoted) + '"' + "]"
    return text


def refuse(*findings: Finding) -> PydanticCustomError:
    """Build the error that carries ``findings`` through pydantic; the caller raises it."""
    summary = "; ".join(
        (f"{path_text(f.loc)}: " if f.loc else "")
        + f.problem
        + (f" (allowed: {f.allowed})" if f.allowed else "")
        for f in findings
    )
    context: dict[str, Any] = {"summary": summary, "findings": findings}
    return PydanticCustomError(REFUSED, "{summary}", context)


def findings_of(errors: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Unpack the findings that :func:`refuse` packed, each with its full place."""
    found: list[Finding] = []
    for error in errors:
        base: Loc = tuple(error["loc"])
        for finding in error["ctx"]["findings"]:
            found.append(finding._replace(loc=base + finding.loc))
    return found


def shown(value: object) -> str:
    """Name a value in a message: scalars as they are (shortened), the rest by their kind."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value if len(value) <= 60 else value[:57] + "..."
        return '"' + "".join(ch if ch.isprintable() else "?" for ch in text) + '"'
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a very large number"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"a {type(value).__name__}"


def is_number(value: object) -> bool:
    """Tell whether ``value`` is a finite int or float (a bool is not a number here)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return not isinstance(value, float) or math.isfinite(value)


def nearest(word: object, known: Iterable[str]) -> str | None:
    """Return the known word that ``word`` was probably meant to be, if there is one."""
    matches = difflib.get_close_matches(str(word)[:80], list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def meant(word: object, known: Iterable[str]) -> str:
    """Return ``; did you mean "…"?`` where that can be guessed, else nothing."""
    guess = nearest(word, known)
    return f'; did you mean "{guess}"?' if guess else ""
