"""Who may continue whom: out of sight, at the border, gone."""

import pytest

from streams.core.geometry import Box
from streams.core.tracking.association import Offers, match
from streams.core.tracking.detections import Detection
from streams.core.tracking.scene import Scene, begins
from streams.core.tracking.track import Track
from streams.core.tracking.tracker import Analysed, Tuning, step
from tests.unit.streams.core.sensing.scene import standing

TUNING = Tuning()
ASPECT = 4 / 3


def walked(first: float, speed: float, until_ms: int, away_ms: int) -> list[Track]:
    """Return the track of a walker last seen at ``until_ms``, ``away_ms`` later."""
    tracks: list[Track] = []
    for at in range(0, until_ms + away_ms + 1, 100):
        box = standing(first + speed * at / 1000, 0.6)
        found = [Detection(box, 0.95, "person")] if at <= until_ms else []
        frame = Analysed("gate", 0, at // 100, at, 0, at // 100, ASPECT)
        tracks = step(tracks, found, frame, 0.3, Scene(), TUNING).tracks
    return tracks


def matched(tracks: list[Track], box: Box, scene: Scene | None = None) -> bool:
    offers = Offers.of([Detection(box, 0.95, "person")], ASPECT)
    pairs, _ = match(tracks, [0], offers, [0], 0.0, scene or Scene(), TUNING)
    return pairs == [(0, 0)]


@pytest.mark.parametrize("away_ms", [100, 500, 1000, 1500])
def test_who_comes_back_where_expected_is_the_same(away_ms: int) -> None:
    tracks = walked(0.2, 0.1, 2000, away_ms)
    assert matched(tracks, standing(0.4 + 0.1 * away_ms / 1000, 0.6))


def test_after_a_while_out_of_sight_one_at_a_known_entrance_is_someone_else() -> None:
    tracks, door = walked(0.2, 0.1, 2000, 1200), Scene()
    place = standing(0.52 + 0.2, 0.6)
    assert matched(tracks, place)
    for _ in range(30):
        begins(door, place)
    assert not matched(tracks, place, door)


def test_who_is_expected_far_outside_the_picture_does_not_come_back() -> None:
    tracks = walked(0.4, 0.25, 2200, 1300)
    assert tracks[0].motion.x > ASPECT + TUNING.left * tracks[0].motion.width
    assert not matched(tracks, standing(0.98, 0.6))


def test_tracks_that_share_a_detection_compete() -> None:
    tracks = walked(0.2, 0.1, 1000, 0) + walked(0.22, 0.1, 1000, 0)
    boxes = [standing(0.31, 0.6), standing(0.9, 0.6)]
    offers = Offers.of([Detection(box, 0.95, "person") for box in boxes], ASPECT)
    pairs, contested = match(tracks, [0, 1], offers, [0, 1], 0.0, Scene(), TUNING)
    assert len(pairs) == 1
    assert contested == {0, 1}
    alone, uncontested = match(tracks, [0], offers, [0, 1], 0.0, Scene(), TUNING)
    assert (alone, uncontested) == ([(0, 0)], set())


def test_what_lies_between_two_goes_to_the_one_who_is_not_hidden() -> None:
    stands, passes = (walked(first, 0.0, 1000, 0) for first in (0.3, 0.32))
    far, near = standing(0.3, 0.6), standing(0.33, 0.63)
    for track, box in ((stands[0], far), (passes[0], near)):
        track.motion.x = (box[0] + box[2]) / 2 * ASPECT
        track.motion.y = (box[1] + box[3]) / 2
    between = standing(0.314, 0.614)
    offers = Offers.of([Detection(between, 0.95, "person")], ASPECT)
    both = [stands[0], passes[0]]
    assert matched([stands[0]], between)
    assert match(both, [0, 1], offers, [0], 0.0, Scene(), TUNING)[0] == [(1, 0)]
