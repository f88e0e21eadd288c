"""How well tracks keep identities: CLEAR MOT and IDF1, as far as the tests need them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from streams.core.geometry import Box, iou
from streams.core.tracking.assignment import assign

Boxes = Mapping[int, Sequence[tuple[str, Box]]]
"""Identities and boxes by frame."""
MIN_IOU = 0.5


def mota(truth: Boxes, tracked: Boxes) -> float:
    """Return MOTA: Bernardin and Stiefelhagen, EURASIP JIVP 2008. A pair is kept while it fits."""
    errors, partner = 0, dict[str, str]()
    for frame in sorted(truth.keys() | tracked.keys()):
        objects, tracks = truth.get(frame, ()), tracked.get(frame, ())
        costs = {
            (row, column): (1 - overlap) - (partner.get(name) == track)
            for row, (name, box) in enumerate(objects)
            for column, (track, other) in enumerate(tracks)
            if (overlap := iou(box, other)) >= MIN_IOU
        }
        pairs = assign(costs, 1.0)
        errors += len(objects) + len(tracks) - 2 * len(pairs)
        for row, column in pairs:
            name, track = objects[row][0], tracks[column][0]
            errors += partner.get(name, track) != track
            partner[name] = track
    return 1 - errors / _size(truth)


def idf1(truth: Boxes, tracked: Boxes) -> float:
    """Return IDF1 under the best one-to-one identities: Ristani et al., ECCV workshops 2016."""
    together: Counter[tuple[str, str]] = Counter()
    for frame, objects in truth.items():
        for name, box in objects:
            for track, other in tracked.get(frame, ()):
                together[name, track] += iou(box, other) >= MIN_IOU
    names = _numbers(name for name, _ in together)
    tracks = _numbers(track for _, track in together)
    costs = {
        (names[name], tracks[track]): -float(count) for (name, track), count in together.items()
    }
    hits = -sum(costs[pair] for pair in assign(costs, 0.0))
    return 2 * hits / (_size(truth) + _size(tracked))


def _numbers(keys: Iterable[str]) -> dict[str, int]:
    return {key: index for index, key in enumerate(sorted(set(keys)))}


def _size(boxes: Boxes) -> int:
    return sum(len(found) for found in boxes.values())
