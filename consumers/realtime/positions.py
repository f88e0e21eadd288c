"""Places in Kafka: for each kind the offset of the next message of each partition.

A position says that everything below it has been dealt with. It means the same in every process,
however the partitions were interleaved there; so a client can go on at another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from consumers.access.sealing import Sealer
from consumers.realtime.kinds import Kind
from schemas.errors import Fatal

Offsets = tuple[int, ...]
Positions = Mapping[Kind, Offsets]
_PREFIX = "position:"
MAX_TOKEN_CHARACTERS = 4000


def passed(positions: Positions, kind: Kind, partition: int, offset: int) -> Positions:
    """Return the position after a message.

    >>> passed({Kind.EVENT: (4, 0)}, Kind.EVENT, 1, 6)[Kind.EVENT]
    (4, 7)
    """
    offsets = positions[kind]
    moved = (*offsets[:partition], max(offsets[partition], offset + 1), *offsets[partition + 1 :])
    return {**positions, kind: moved}


def covers(high: Positions, low: Positions) -> bool:
    """Tell whether everything below ``low`` is below ``high`` too, for the kinds of ``low``.

    >>> covers({Kind.EVENT: (4, 7)}, {Kind.EVENT: (4, 0)})
    True
    """
    return all(
        kind in high and all(a >= b for a, b in zip(high[kind], offsets, strict=True))
        for kind, offsets in low.items()
    )


def joined(one: Positions, other: Positions) -> Positions:
    """Return the position below which everything is below the one or the other."""
    return {
        kind: tuple(map(max, offsets, other[kind])) if kind in other else offsets
        for kind, offsets in one.items()
    }


def complete(positions: Positions, now: Positions) -> Positions | None:
    """Return the position for all kinds, with ``now`` for those that it does not name.

    None where the partitions are others: new ones are not known to hold nothing older.
    """
    if any(len(offsets) != len(now[kind]) for kind, offsets in positions.items()):
        return None
    return {**now, **positions}


class Tokens:
    """Positions as text that tells nobody anything: how much a cloud handles is its own business."""

    def __init__(self, sealer: Sealer, topic_ids: Mapping[Kind, str]) -> None:
        """Write tokens of these topics; a topic made anew has another id, and other offsets."""
        self._sealer = sealer
        self._topic_ids = topic_ids

    def write(self, positions: Positions, kinds: Iterable[Kind]) -> str:
        """Return the token of a position, for these kinds."""
        told = {kind.value: [self._topic_ids[kind], *positions[kind]] for kind in sorted(kinds)}
        return self._sealer.seal(_PREFIX + orjson.dumps(told).decode())

    def read(self, token: str) -> Positions | None:
        """Return the position of a token; None where it is none of these topics'."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            return None
        try:
            text = self._sealer.open(token)
            if not text.startswith(_PREFIX):
                return None
            told = orjson.loads(text.removeprefix(_PREFIX))
            positions = {
                Kind(kind): tuple(offsets)
                for kind, (topic_id, *offsets) in told.items()
                if topic_id == self._topic_ids[Kind(kind)]
            }
        except (Fatal, ValueError, KeyError):
            return None
        return positions if positions and len(positions) == len(told) else None
