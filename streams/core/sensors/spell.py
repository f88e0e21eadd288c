"""A spell: for how long the frames of a camera have agreed on what they show.

A hold on a spell is decided by the first frame at or after its deadline that agrees, or by a still
stretch that reaches beyond it; one that contradicts, or a gap as long as that after which a track
has ended, begins anew.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec


class Spell(msgspec.Struct):
    """What the frames agree on; ``what`` None: nothing is known."""

    what: str | None = None
    since_at: int = 0
    seen_at: int | None = None
    """Up to here it is known to have lasted."""


def go_on(
    spell: Spell, what: str | None, at: int, *, gap_ms: int, alike: Collection[str] = ()
) -> None:
    """Take in what the next frame shows; changing among those ``alike`` is no interruption."""
    broken = spell.seen_at is None or at - spell.seen_at >= max(gap_ms, 1)
    same = what == spell.what or (what in alike and spell.what in alike)
    if broken or not same:
        spell.since_at = at
    spell.what, spell.seen_at = what, at


def stand_still(spell: Spell, stretch_ms: int) -> None:
    """Let it last for a still stretch after the last frame."""
    if spell.seen_at is not None:
        spell.seen_at += stretch_ms


def outlasted(spell: Spell, hold_ms: int) -> int | None:
    """Return the deadline of a hold that a still stretch has reached beyond; None: not yet."""
    deadline = spell.since_at + hold_ms
    return deadline if spell.seen_at is not None and deadline < spell.seen_at else None
