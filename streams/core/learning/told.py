"""What operators said of a kind of thing at a place: rule, class and size, not the track itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from schemas.records import Candidate
from streams.core.geometry import Point, anchor_of

ENOUGH = 5
"""Dismissals after which the next of its kind at its place is suppressed."""
LEAST = -3
"""Confirmations count no further than this."""
WORD_LIMIT = 256
"""Kinds and places of a camera; beyond, the one of which nothing was said longest is forgotten."""
NEAR, NEAR_HEIGHTS = 0.03, 0.5
"""The same place: within so much of the picture, or so many of its heights."""
SAME_SIZE = 1.6
"""The same size: neither is taller than so many times the other."""
WEIGHTS = {"dismissed": 1, "ignored_here": ENOUGH, "confirmed": -1}


class Word(Struct):
    """What was said of one kind of thing at one place."""

    rule: str
    class_name: str
    x: float
    y: float
    height: float
    """Mean box height, share of the picture's."""
    count: int
    """Dismissals less confirmations."""
    at: int
    """UTC ms, of the latest word."""


class Kind(Struct, frozen=True):
    """What a candidate is to an operator."""

    rule: str
    class_name: str
    place: Point
    height: float


class Heard(Protocol):
    """What holds the words about a camera."""

    @property
    def words(self) -> Sequence[Word]:
        """The latest last."""


def kind_of(candidate: Candidate) -> Kind | None:
    """Return the kind and place of a candidate's last track; None where it has none."""
    for trigger in reversed(candidate.triggers):
        report = trigger.report
        if report is not None and trigger.track == candidate.track:
            place = place_of(trigger.anchor, report.best.box)
            return Kind(candidate.rule, report.class_name, place, report.box_height)
    return None


def place_of(anchor: Sequence[float] | None, box: Sequence[float]) -> Point:
    """Return where a trigger was given, or else where the object stood at its best."""
    if anchor is not None:
        return anchor[0], anchor[1]
    return foot_of(box)


def foot_of(box: Sequence[float]) -> Point:
    """Return the middle of a box's lower edge, held inside the picture."""
    x1, y1, x2, y2 = box
    return anchor_of((x1, y1, x2, y2), "bottom")


def word_on(heard: Heard, kind: Kind) -> int | None:
    """Return the dismissals less the confirmations of a kind at its place; None: nothing was said."""
    counts = [word.count for word in heard.words if _is_same(word, kind)]
    return sum(counts) if counts else None


def hear(words: list[Word], kind: Kind, verdict: str, at: int) -> None:
    """Take in an operator's word, in place."""
    weight = WEIGHTS[verdict]
    same = next((word for word in words if _is_same(word, kind)), None)
    if same is None:
        same = Word(kind.rule, kind.class_name, *kind.place, kind.height, 0, at)
    else:
        words.remove(same)
    words.append(same)
    same.count = max(LEAST, same.count + weight)
    same.at = at
    del words[:-WORD_LIMIT]


def _is_same(word: Word, kind: Kind) -> bool:
    if (word.rule, word.class_name) != (kind.rule, kind.class_name):
        return False
    small, large = sorted((word.height, kind.height))
    reach = max(NEAR, NEAR_HEIGHTS * large)
    far = math.hypot(word.x - kind.place[0], word.y - kind.place[1])
    return large <= SAME_SIZE * small and far <= reach
