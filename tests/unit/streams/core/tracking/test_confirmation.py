"""How long something is watched before it counts as an object."""

import pytest

from streams.core.geometry import Box
from streams.core.tracking.confirmation import worth_of
from streams.core.tracking.detections import Detection
from streams.core.tracking.scene import Scene, learn
from streams.core.tracking.track import Track
from streams.core.tracking.tracker import Analysed, Tuning, step
from tests.unit.streams.core.sensing.scene import standing

TUNING = Tuning()
STEP_MS = 100
GIANT = standing(0.3, 0.7, height=0.65)
USUAL = standing(0.7, 0.7)


def known_scene() -> Scene:
    scene = Scene()
    for n in range(40):
        learn(scene, "person", standing(0.1 + 0.02 * n, 0.5 + 0.01 * n), 0.9)
    return scene


def confirmed_after_ms(box: Box, *, seen: float = 1.0, until_ms: int = 4000) -> int | None:
    """Return when what is detected in this part of the frames is confirmed."""
    scene = known_scene()
    tracks: list[Track] = []
    for n in range(until_ms // STEP_MS):
        at = n * STEP_MS
        there = int(n * seen) != int((n - 1) * seen) or n == 0
        found = [Detection(box, 0.9, "person")] if there else []
        frame = Analysed("gate", 0, n, at, 0, n, 4 / 3)
        tracks = step(tracks, found, frame, 0.3, scene, TUNING).tracks
        if any(track.confirmed for track in tracks):
            return at
    return None


def test_what_fits_the_scene_is_confirmed_at_once_and_what_does_not_later() -> None:
    assert confirmed_after_ms(USUAL) == TUNING.confirm_ms
    assert confirmed_after_ms(GIANT) == TUNING.doubtful_ms


def test_what_flickers_is_an_object_only_if_it_fits_the_scene() -> None:
    assert confirmed_after_ms(USUAL, seen=0.7) is not None
    assert confirmed_after_ms(GIANT, seen=0.7) is None


def test_what_is_there_all_the_time_is_believed_whatever_it_looks_like() -> None:
    scene = known_scene()
    tracks: list[Track] = []
    odd = Detection(GIANT, 0.31, "person")
    for n in range(40):
        frame = Analysed("gate", 0, n, n * STEP_MS, 0, n, 4 / 3)
        tracks = step(tracks, [odd], frame, 0.3, scene, TUNING).tracks
    (track,) = tracks
    assert track.confirmed
    assert track.worth < TUNING.doubtful_part * track.frames


def test_a_part_of_an_object_counts_less_than_the_object() -> None:
    whole = Detection(USUAL, 0.9, "person")
    part = Detection((USUAL[0], USUAL[1], USUAL[2], 0.6), 0.9, "person")
    scene = Scene()
    assert worth_of(part, [], scene, TUNING) == 1.0
    assert worth_of(part, [whole], scene, TUNING) == pytest.approx(TUNING.inside_worth)
    assert worth_of(whole, [part, whole], scene, TUNING) == 1.0
