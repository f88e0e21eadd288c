"""Time zones out of the pinned ``tzdata`` wheel, so that every machine has the same rules."""

from __future__ import annotations

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from schemas.site.faults import Finding, meant, refuse, shown


@cache
def zone_names() -> frozenset[str]:
    """Return every IANA name that the wheel knows."""
    listed = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii")
    return frozenset(listed.split())


@cache
def zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name.

    Raises:
        PydanticCustomError: (a ValueError) the name is not known.
    """
    if name not in zone_names():
        raise refuse(Finding((), *_unknown(name)))
    package = resources.files("tzdata.zoneinfo")
    with package.joinpath(*name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def parse_timezone(value: object) -> str:
    """Accept the name of a known zone."""
    if not isinstance(value, str) or value not in zone_names():
        raise refuse(Finding((), *_unknown(value)))
    return value


def _unknown(value: object) -> tuple[str, str]:
    return (
        f"{shown(value)} is not a time zone{meant(value, zone_names())}",
        "an IANA name such as UTC or Europe/Madrid",
    )
