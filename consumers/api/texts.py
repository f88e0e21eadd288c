"""Types for what comes in: texts that Postgres can hold, times that make sense.

A NUL character, half of a surrogate pair or a time before 1970 is answered with 422 by the type
alone, and the OpenAPI document says the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints

SAYABLE = r"^[^\x00]*$"
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

Text = Annotated[str, StringConstraints(pattern=SAYABLE, max_length=10_000)]
"""Free text, may be empty."""
Line = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=200)
]
"""One line, such as a name for people."""
Word = Annotated[str, StringConstraints(pattern=r"^[!-~]*$", min_length=1, max_length=200)]
"""An id or a machine word: printable ASCII without spaces."""
SiteName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Of a camera, sensor, rule or model."""


def _sensible(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError(f"a time from {EARLIEST:%Y} to {LATEST:%Y} is wanted")
    return at.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_sensible)]
"""A time with its zone, 1970 to 2200; in UTC once it is in."""
