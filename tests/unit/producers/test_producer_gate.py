from __future__ import annotations

import numpy as np
import pytest

from producers.gate import GateConfig, GateState, Thumbnail, motion_between, step, thumbnail_of

GATED = GateConfig(enabled=True, idle_ms=2000)
STEP_MS = 200


def scene(walker_x: int | None, seed: int = 0, grey: int = 60) -> Thumbnail:
    """A noisy street of 640x360 with somebody 50 pixels high, or nobody."""
    image = np.full((360, 640, 3), 120, np.int16)
    image += np.random.default_rng(seed).normal(0, 3, image.shape).astype(np.int16)
    if walker_x is not None:
        image[200:250, walker_x : walker_x + 16] = grey
    return thumbnail_of(np.clip(image, 0, 255).astype(np.uint8))


def send(thumbnails: list[Thumbnail], config: GateConfig = GATED) -> list[tuple[int, bool]]:
    """Return (index, still) of the pictures that are sent."""
    state, sent = GateState(), []
    for index, thumbnail in enumerate(thumbnails):
        state, decision = step(state, thumbnail, index * STEP_MS, config)
        if decision.send:
            sent.append((index, decision.still))
    return sent


def test_a_still_scene_sends_one_picture_every_idle_time() -> None:
    assert send([scene(None, seed) for seed in range(25)]) == [(0, False), (10, True), (20, True)]


def test_a_walker_is_sent_at_every_step_and_from_the_first() -> None:
    walk = [scene(None, 1), scene(None, 2), *(scene(40 + 6 * n, n) for n in range(8))]
    assert send(walk) == [(0, False), (2, True), *((n, False) for n in range(3, 10))]


def test_slow_movement_adds_up_until_it_is_seen() -> None:
    creep = [scene(100 + n, n, grey=92) for n in range(9)]
    sent = [index for index, _ in send(creep)]
    assert sent[0] == 0
    assert 1 < sent[1] < 9


def test_without_the_gate_everything_is_sent_and_nothing_is_still() -> None:
    pictures = [scene(None, seed) for seed in range(15)]
    open_gate = GateConfig(enabled=False, idle_ms=2000)
    assert send(pictures, open_gate) == [(index, False) for index in range(15)]


def test_the_score_is_the_share_of_the_picture_that_differs() -> None:
    dark = np.zeros((90, 160), np.uint8)
    half = dark.copy()
    half[:, :80] = 200
    assert motion_between(dark, half) == pytest.approx(0.5)
    assert motion_between(dark, dark) == 0.0
    assert motion_between(dark, np.zeros((80, 160), np.uint8)) == 1.0


def test_the_first_picture_has_nothing_to_be_compared_with() -> None:
    _, decision = step(GateState(), scene(None), 0, GATED)
    assert (decision.send, decision.motion, decision.still) == (True, None, False)
