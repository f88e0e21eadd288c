"""Types that several resources share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SiteCamera = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9-]{1,40}/[A-Za-z0-9_-]{1,64}$"),
    Field(description="A camera as `site/camera`."),
]
Id = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
"""Of an event, a candidate, a piece of evidence."""
DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_CURSOR_CHARACTERS = 1000
MAX_VALUES = 100
"""Of one filter."""


class Shown(BaseModel):
    """Something that is answered; what a newer version adds is no error to an older client."""

    model_config = ConfigDict(extra="ignore")


class Asked(BaseModel):
    """Something that is sent in; what is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Asked):
    """The place in a list."""

    limit: int = Field(
        default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="At most so many on a page."
    )
    cursor: str | None = Field(
        default=None,
        max_length=MAX_CURSOR_CHARACTERS,
        description="The place to go on from: see `next`.",
    )


def pairs(cameras: list[str]) -> tuple[tuple[str, str], ...]:
    """Split ``site/camera``.

    >>> pairs(["depot-7/gate"])
    (('depot-7', 'gate'),)
    """
    return tuple((site, camera) for site, _, camera in (one.partition("/") for one in cameras))
