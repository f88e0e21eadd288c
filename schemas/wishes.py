"""What a site wants of each model, folded from the records of ``down.global.models``. Pure.

A record speaks for the sites that it names, or for all. The last one that speaks for a site holds,
by its place in the topic; a deleted record gives way to the last that is not. The state keeps one
record a key, as the compacted topic does, and only those that speak for this site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.records import ModelUpdate


@dataclass(frozen=True, slots=True)
class Wish:
    """A record and its place in the topic."""

    offset: int
    update: ModelUpdate


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything that speaks for one site, by key."""

    site: str
    by_key: Mapping[str, Wish] = field(default_factory=dict)


def step(state: Wishes, key: str, offset: int, update: ModelUpdate) -> Wishes:
    """Take a record in; one that was seen already changes nothing."""
    known = state.by_key.get(key)
    if known is not None and known.offset >= offset:
        return state
    others = {name: wish for name, wish in state.by_key.items() if name != key}
    if not update.sites or state.site in update.sites:
        others[key] = Wish(offset, update)
    return Wishes(state.site, others)


def wanted(state: Wishes) -> dict[str, ModelUpdate]:
    """Return what holds for each model.

    A model of which every wish is withdrawn has the last withdrawal: a record with ``deleted``.
    """
    found: dict[str, Wish] = {}
    for wish in state.by_key.values():
        best = found.get(wish.update.model)
        if best is None or _rank(wish) > _rank(best):
            found[wish.update.model] = wish
    return {model: wish.update for model, wish in sorted(found.items())}


def _rank(wish: Wish) -> tuple[bool, int]:
    return not wish.update.deleted, wish.offset
