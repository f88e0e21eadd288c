"""The kinds of value that a configuration is made of: names, numbers, points, times.

Each is one function that returns the parsed value or refuses with one finding per mistake, wrapped
in :class:`Parsed` so that pydantic and the JSON Schema know it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from schemas.site.faults import Finding, is_number, meant, refuse, shown

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAME_PATTERN = r"[A-Za-z0-9_-]{1,64}"
SITE_PATTERN = r"[a-z0-9-]{1,40}"
YEAR_S = 366 * 86_400.0


@dataclass(frozen=True, eq=False)
class Parsed:
    """Pydantic metadata: ``parse`` makes the value, ``schema`` describes what is written."""

    parse: Callable[[Any], Any]
    schema: Mapping[str, Any]
    dump: Callable[[Any], Any] | None = None

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with ``parse`` alone."""
        written = core_schema.plain_serializer_function_ser_schema(self.dump) if self.dump else None
        return core_schema.no_info_plain_validator_function(self.parse, serialization=written)

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the written form."""
        return dict(self.schema)


def number(low: float, high: float, *, integer: bool = False, word: str | None = None) -> Parsed:
    """A finite number from ``low`` to ``high``, both included, or the one ``word``."""
    kind = "a whole number" if integer else "a number"
    allowed = f"{kind} from {low:.15g} to {high:.15g}" + (f", or {word}" if word else "")

    def parse(value: Any) -> Any:
        if word is not None and value == word:
            return value
        if not is_number(value) or (integer and not isinstance(value, int)):
            raise refuse(Finding((), f"{shown(value)} is not {kind}", allowed))
        if not low <= value <= high:
            size = "small" if value < low else "large"
            raise refuse(Finding((), f"{shown(value)} is too {size}", allowed))
        return value if integer else float(value)

    limits = {"type": "integer" if integer else "number", "minimum": low, "maximum": high}
    return Parsed(parse, {"anyOf": [limits, {"const": word}]} if word else limits)


def text(pattern: str, allowed: str, *, secret: bool = False) -> Parsed:
    """Text that matches ``pattern`` as a whole; a ``secret`` is never repeated in a message."""
    compiled = re.compile(pattern)

    def parse(value: Any) -> str:
        what = "this" if secret else shown(value)
        if not isinstance(value, str):
            quote = " (put it in quotes)" if is_number(value) or isinstance(value, bool) else ""
            raise refuse(Finding((), f"{what} is not text{quote}", allowed))
        if not compiled.fullmatch(value):
            raise refuse(Finding((), f"{what} is not a good value here", allowed))
        return value

    return Parsed(parse, {"type": "string", "pattern": f"^(?:{pattern})$"})


def choice(*words: str) -> Parsed:
    """One of a few words."""

    def parse(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise refuse(
            Finding((), f"{shown(value)} is not known{meant(value, words)}", ", ".join(words))
        )

    return Parsed(parse, {"enum": list(words)})


def labels(*, word: str | None = None, exactly: int | None = None) -> Parsed:
    """A list of at least one different label; ``word`` alone, or null, stands for no limit."""
    what = "labels" if exactly is None else f"{exactly} labels"
    allowed = f"a list of {what}" + (f", or {word}" if word else "")

    def parse(value: Any) -> tuple[str, ...] | None:
        if word is not None and (value is None or value == word):
            return None
        if not isinstance(value, (list, tuple)):
            raise refuse(Finding((), f"{shown(value)} is not a list", allowed))
        if not value or (exactly is not None and len(value) != exactly):
            raise refuse(Finding((), f"the number of items is {len(value)}", allowed))
        bad = []
        for i, item in enumerate(value):
            if not isinstance(item, str) or not re.fullmatch(LABEL_PATTERN, item):
                bad.append(Finding((i,), f"{shown(item)} is not a label", LABEL_ALLOWED))
            elif exactly is None and item in value[:i]:
                bad.append(Finding((i,), f"{shown(item)} is listed twice", "each once"))
        if bad:
            raise refuse(*bad)
        return tuple(value)

    items: dict[str, Any] = {"type": "string", "pattern": f"^{LABEL_PATTERN}$"}
    listed: dict[str, Any] = {"type": "array", "items": items, "minItems": exactly or 1}
    if exactly is None:
        listed["uniqueItems"] = True
    else:
        listed["maxItems"] = exactly
    return Parsed(parse, {"anyOf": [listed, {"enum": [word, None]}]} if word else listed)


def milliseconds(seconds: float) -> int:
    """Convert a configured duration to the integer milliseconds that the core counts in.

    >>> milliseconds(0.1), milliseconds(29.97)
    (100, 29970)
    """
    exact = Decimal(repr(float(seconds))) * 1000
    return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


def exact_rate(fps: float | Literal["native"]) -> Fraction | None:
    """Return frames a second exactly as written, None for ``native``.

    >>> exact_rate(29.97)
    Fraction(2997, 100)
    """
    return None if fps == "native" else Fraction(repr(float(fps)))


def parse_instant(value: Any) -> int:
    """ISO 8601 to UTC milliseconds; without an offset it is UTC, as in YAML's own timestamps."""
    allowed = "a time such as 2000-01-01T00:00:00Z, from 1970 on"
    if not isinstance(value, str):
        raise refuse(Finding((), f"{shown(value)} is not a time", allowed))
    try:
        moment = datetime.fromisoformat(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        at = (aware - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at < 253_402_300_800_000:
        raise refuse(Finding((), f"{shown(value)} is not a time", allowed))
    return at


def instant_text(at_ms: int) -> str:
    """Write UTC milliseconds as ISO 8601.

    >>> instant_text(946_684_800_250)
    '2000-01-01T00:00:00.250Z'
    """
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_flag(value: Any) -> bool:
    """Parse true or false, and nothing that merely looks like it."""
    if isinstance(value, bool):
        return value
    raise refuse(Finding((), f"{shown(value)} is not a switch", "true or false"))


LABEL_PATTERN = r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,62}[^\s\x00-\x1f\x7f])?"
LABEL_ALLOWED = "1 to 64 printable characters, no spaces around them"
NAME_ALLOWED = "1 to 64 of A-Z a-z 0-9 _ -"

Name = Annotated[str, text(NAME_PATTERN, NAME_ALLOWED)]
Labels = Annotated[tuple[str, ...] | None, labels(word="all")]
Flag = Annotated[bool, Parsed(parse_flag, {"type": "boolean"})]
Ratio = Annotated[float, number(0, 1)]
Duration = Annotated[float, number(0, YEAR_S)]
PositiveDuration = Annotated[float, number(0.001, YEAR_S)]
Rate = Annotated[float | Literal["native"], number(0.001, 1000, word="native")]
Instant = Annotated[
    int, Parsed(parse_instant, {"type": "string", "format": "date-time"}, instant_text)
]
