"""What one configuration says otherwise than another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from schemas.site.site import SiteConfig, canonical


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that is not the same, or a whole entry that came or went."""

    path: tuple[str, ...]
    change: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        """Return it as one line."""
        place = ".".join(self.path)
        if self.change == "changed":
            return f"~ {place}: {_shown(self.before)} -> {_shown(self.after)}"
        sign, value = ("+", self.after) if self.change == "added" else ("-", self.before)
        return f"{sign} {place}: {_shown(value)}"


def differences(before: SiteConfig, after: SiteConfig) -> list[Difference]:
    """Return what differs in meaning, in the order of paths; defaults written out change nothing."""
    return list(_compare((), json.loads(canonical(before)), json.loads(canonical(after))))


def _compare(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            place = (*path, key)
            if key not in after:
                yield Difference(place, "removed", before=before[key])
            elif key not in before:
                yield Difference(place, "added", after=after[key])
            else:
                yield from _compare(place, before[key], after[key])
    elif before != after:
        yield Difference(path, "changed", before, after)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
