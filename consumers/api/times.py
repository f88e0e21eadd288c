"""Times that people and systems send: with their zone, and within what every store can hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(2200, 1, 1, tzinfo=UTC)


def in_range(at: datetime) -> datetime:
    """Return a time in UTC.

    Raises:
        ValueError: it lies before 1970 or after 2199.
    """
    try:
        found = at.astimezone(UTC)
    except OverflowError:
        raise ValueError("is not between 1970 and 2200") from None
    if not FIRST <= found < LAST:
        raise ValueError("is not between 1970 and 2200")
    return found


When = Annotated[AwareDatetime, AfterValidator(in_range)]
"""A moment, ISO 8601 with its zone."""
