"""The demo's scene, with its light, its shadows and its poster, seen by the weight-free model."""

from __future__ import annotations

import pytest

from producers import scene
from streams.inference import thumbnails
from streams.inference.local import LocalModel
from streams.inference.thumbnails import History
from tests.unit.streams.inference.scenes import frame, jpeg

Box = tuple[float, ...]
EDGE = 0.02
SECONDS = 30


def overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


@pytest.mark.parametrize("seed", [0, 5])
def test_bodies_are_found_by_their_feet_and_nothing_else_is(seed: int) -> None:
    model, history = LocalModel("foreground"), History()
    bodies = found = strays = 0
    for index in range(0, SECONDS * scene.FPS, 2):
        at = frame(0, b"").epoch_at + index * 1000 // scene.FPS
        one = frame(index, jpeg(scene.draw(seed, index), 90), captured_at=at)
        history, block = thumbnails.step(history, one, index)
        answer = model.infer(one.jpeg, block)
        seen = [
            answer.boxes[4 * i : 4 * i + 4] for i, score in enumerate(answer.scores) if score >= 0.3
        ]
        if index < 2 * scene.FPS:
            continue
        truth = [box for _, *box in scene.boxes(seed, index)]
        strays += sum(not any(overlap(box, tuple(one)) > 0.1 for one in truth) for box in seen)
        for box in (tuple(one) for one in truth if one[0] > EDGE and one[2] < 1 - EDGE):
            bodies += 1
            found += any(
                overlap(box, other) > 0.4
                and abs(other[3] - box[3]) < 0.03
                and abs(other[0] + other[2] - box[0] - box[2]) / 2 < 0.02
                for other in seen
            )
    assert bodies > 80
    assert found >= 0.9 * bodies, f"{found} of {bodies}"
    assert strays <= 2
