"""Which sites a command is for, and durations as one writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from schemas.errors import Rejected
from schemas.ids import SITE_PATTERN

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def chosen(
    sites: list[str] | None,
    group: str | None,
    groups: Path | None,
    everywhere: bool,
    known: Iterable[str],
) -> list[str]:
    """Return the sites that the options name, in their order; with ``everywhere`` those known.

    Raises:
        Rejected: they name none, or what they name is not there.
    """
    named = list(sites or ())
    if group is not None:
        named += _members(group, groups)
    if everywhere:
        named += sorted(known)
    for name in named:
        if not SITE_PATTERN.fullmatch(name) or name == "global":
            raise Rejected(
                f"{name!r} is no site: use a-z, 0-9 and -, at most 40", reason="bad-site"
            )
    if not named:
        known_sites = "no site has left a receipt yet" if everywhere else "--site, --group or --all"
        raise Rejected(f"to which sites? {known_sites}", reason="no-sites")
    return named


def seconds_of(text: str) -> float:
    """Read a duration.

    >>> seconds_of("5m"), seconds_of("2.5")
    (300.0, 2.5)

    Raises:
        Rejected: it is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise Rejected(f"{text!r} is no duration: give seconds, or 30s, 5m, 1h", reason="bad-time")
    return float(found[1]) * _UNITS[found[2] or "s"]


def _members(group: str, path: Path | None) -> list[str]:
    if path is None:
        raise Rejected(f"who is in {group}? Name a file of groups with --groups", reason="no-group")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Rejected(f"{path} cannot be read: {error}", reason="no-group") from error
    members = values.get(group) if isinstance(values, dict) else None
    if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
        known = ", ".join(map(str, values)) if isinstance(values, dict) else "nothing"
        raise Rejected(
            f"{path} has no list of sites under {group!r}; it has {known}", reason="no-group"
        )
    return members
