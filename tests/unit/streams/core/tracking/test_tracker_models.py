"""Several models on one camera: only those that look, and could see, can miss a track."""

from streams.core.tracking.detections import GENERIC, Detection
from streams.core.tracking.scene import Scene
from streams.core.tracking.track import Track
from streams.core.tracking.tracker import Analysed, Tuning, step
from tests.unit.streams.core.sensing.scene import standing

TUNING = Tuning()


def looked(tracks: list[Track], at: int, seen_by: str | None, *models: str) -> list[Track]:
    """Return the tracks after a frame; ``seen_by`` names the model that saw the one walker."""
    frame = Analysed("gate", 0, at // 100, at, 0, at // 100, 4 / 3, models)
    box = standing(0.2 + at / 20_000, 0.6)
    found = [] if seen_by is None else [Detection(box, 0.9, "person", seen_by)]
    return step(tracks, found, frame, 0.3, Scene(), TUNING).tracks


def test_a_frame_at_which_only_others_looked_is_no_miss() -> None:
    tracks: list[Track] = []
    for at in range(0, 2001, 100):
        slow = at % 1000 == 0
        models = ("person", "fire") if slow else ("fire",)
        tracks = looked(tracks, at, "person" if slow else None, *models)
        assert len(tracks) == 1
    (track,) = tracks
    assert (track.frames, track.evidence.observations, track.confirmed) == (3, 3, True)


def test_a_tentative_track_is_forgotten_when_its_model_looks_and_misses_it() -> None:
    tracks = looked([], 0, "person", "person")
    for at in range(100, 1000, 100):
        tracks = looked(tracks, at, None, "fire")
        assert [track.frames for track in tracks] == [1]
    assert looked(tracks, 1000, None, "person") == []


def test_a_model_that_sees_a_track_joins_those_that_can_miss_it() -> None:
    tracks = looked([], 0, "person", "person")
    tracks = looked(tracks, 100, "vehicle", "vehicle")
    assert [(track.models, track.frames) for track in tracks] == [(["person", "vehicle"], 2)]
    tracks = looked(tracks, 200, None, "vehicle")
    assert [track.frames for track in tracks] == [3]


def test_without_names_every_frame_counts() -> None:
    tracks = looked([], 0, "")
    tracks = looked(tracks, 100, None)
    tracks = looked(tracks, 200, None, "person")
    assert [(track.models, track.frames) for track in tracks] == [([], 3)]


def shown(tracks: list[Track], at: int, found: list[Detection], *models: str) -> list[Track]:
    """Return the tracks after a frame at which these models found these things."""
    frame = Analysed("gate", 0, at // 200, at, 0, at // 200, 4 / 3, models)
    return step(tracks, found, frame, 0.3, Scene(), TUNING).tracks


def test_a_thing_seen_often_and_named_now_and_then_is_one_track_with_its_name() -> None:
    tracks: list[Track] = []
    for at in range(0, 4001, 200):
        box = standing(0.2 + at / 20_000, 0.6)
        named = at % 1000 == 600
        found = [Detection(box, 0.9, GENERIC, "foreground")]
        if named:
            found = [Detection(standing(0.2 + at / 20_000, 0.61), 0.5, "person", "yolox")]
        tracks = shown(tracks, at, found, "foreground", *(["yolox"] if named else []))
    (track,) = tracks
    assert (track.evidence.observations, track.frames) == (21, 21)
    assert (track.evidence.class_name, track.evidence.model) == ("person", "yolox")
    assert track.models == ["foreground", "yolox"]


def test_two_models_names_for_one_place_are_two_tracks_that_never_mix() -> None:
    tracks: list[Track] = []
    for at in range(0, 2001, 200):
        box = standing(0.2 + at / 20_000, 0.6)
        both = [Detection(box, 0.9, "person", "people"), Detection(box, 0.8, "fire", "fires")]
        found = both if at % 1000 == 0 else both[1:]
        tracks = shown(tracks, at, found, *(one.model for one in found))
    assert [(t.evidence.class_name, t.models, t.frames) for t in tracks] == [
        ("person", ["people"], 3),
        ("fire", ["fires"], 11),
    ]
