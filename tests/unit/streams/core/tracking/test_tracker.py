"""Identity over time, through weak, missing and doubled detections, at any frame rate."""

from collections.abc import Iterable, Sequence

import pytest

from schemas.records import Reading
from schemas.records import Track as TrackRecord
from streams.core.geometry import Box
from streams.core.sense import CameraPlan, Observation
from streams.core.tracking.tracker import Tuning
from tests.unit.streams.core.sensing.scene import (
    EPOCH,
    beat,
    frame,
    numbered,
    plan,
    sense,
    standing,
)

ANY = plan()
FAR_MS = 10_000_000


def tracked(
    readings: Iterable[Reading], compiled: CameraPlan = ANY
) -> tuple[list[TrackRecord], list[Observation]]:
    """Return the finished tracks, oldest first, and their rows."""
    _, found = sense(numbered([*readings, beat(FAR_MS, "offline")]), compiled)
    tracks = [track for sensing in found for track in sensing.tracks]
    rows = [row for sensing in found for row in sensing.observations]
    return sorted(tracks, key=lambda track: track.started_at), rows


def walking(at_ms: int, *, first: float = 0.1, speed: float = 0.1, bottom: float = 0.6) -> Box:
    return standing(first + speed * at_ms / 1000, bottom)


@pytest.mark.parametrize("fps", [1, 2, 5, 10, 25, 120])
def test_one_walker_is_one_track_at_any_frame_rate(fps: int) -> None:
    times = [round(n * 1000 / fps) for n in range(6 * fps)]
    tracks, rows = tracked(frame(at, [walking(at)]) for at in times)
    assert [track.observations for track in tracks] == [len(times)]
    assert [row.seq for row in rows] == list(range(len(times)))


@pytest.mark.parametrize("fps", [5, 10, 25])
def test_confirmation_takes_the_same_time_at_any_frame_rate(fps: int) -> None:
    for end_ms, expected in ((200, 0), (450, 1)):
        times = [at for n in range(fps) if (at := round(n * 1000 / fps)) <= end_ms]
        tracks, _ = tracked(frame(at, [walking(at)]) for at in times)
        assert len(tracks) == expected


def test_tracks_are_named_by_their_first_frame_and_place_in_it() -> None:
    frames = [frame(0)]
    frames += [
        frame(at, [standing(0.2, 0.6), standing(0.8, 0.6)], scores=[0.5, 0.9])
        for at in range(200, 1001, 200)
    ]
    tracks, rows = tracked(frames)
    names = {row.track: row.box[0] for row in rows if row.seq == 1}
    assert names == {f"gate-{EPOCH}-1-0": 0.75, f"gate-{EPOCH}-1-1": pytest.approx(0.15)}
    assert len(tracks) == 2


def test_weak_detections_continue_a_track_and_never_begin_one() -> None:
    scores = [0.9] * 4 + [0.15] * 10
    frames = [frame(200 * n, [walking(200 * n)], scores=[score]) for n, score in enumerate(scores)]
    tracks, _ = tracked(frames)
    assert [track.observations for track in tracks] == [14]
    tracks, _ = tracked(frames[4:])
    assert tracks == []


def test_a_detection_at_the_camera_s_min_score_begins_a_track() -> None:
    frames = [frame(200 * n, [walking(200 * n)], scores=[0.6]) for n in range(8)]
    assert len(tracked(frames, plan(min_score=0.6))[0]) == 1
    assert len(tracked(frames, plan(min_score=0.61))[0]) == 0


def test_flicker_in_every_other_frame_breaks_no_track() -> None:
    frames = [frame(100 * n, [walking(100 * n)] if n % 2 == 0 else []) for n in range(60)]
    tracks, _ = tracked(frames)
    assert [track.observations for track in tracks] == [30]


@pytest.mark.parametrize(("hidden_ms", "count"), [(1800, 1), (2000, 2), (2200, 2)])
def test_hidden_for_less_than_lost_s_keeps_its_identity(hidden_ms: int, count: int) -> None:
    times = [*range(0, 2001, 200), *range(2000 + hidden_ms, 6001, 200)]
    frames = [frame(at, [walking(at)] if at in times else []) for at in range(0, 6001, 200)]
    tracks, _ = tracked(frames)
    assert len(tracks) == count
    assert tracks[0].ended_at == EPOCH + (6000 if count == 1 else 2000)


def test_two_who_pass_each_other_keep_their_identities() -> None:
    frames = []
    for at in range(0, 8001, 100):
        left, right = walking(at), walking(at, first=0.9, speed=-0.1, bottom=0.62)
        apart = abs(left[0] - right[0])
        frames.append(frame(at, [left, right] if apart > 0.06 else [right]))
    tracks, _ = tracked(frames)
    ends = sorted((track.path[0].x, track.path[-1].x) for track in tracks)
    assert ends == [pytest.approx((0.1, 0.9)), pytest.approx((0.9, 0.1))]


def test_a_fast_object_is_one_track_although_its_boxes_never_touch() -> None:
    frames = [frame(100 * n, [standing(0.1 + 0.08 * n, 0.6, width=0.05)]) for n in range(10)]
    tracks, _ = tracked(frames)
    assert [track.observations for track in tracks] == [10]


def test_an_object_cut_short_by_the_edge_of_the_picture_stays_the_same() -> None:
    def leaving(at: int) -> Box:
        x1, y1, x2, y2 = standing(0.5, 0.6 + 0.15 * at / 1000)
        return x1, y1, x2, min(y2, 1.0)

    times = [at for at in range(0, 4201, 100) if leaving(at)[3] - leaving(at)[1] > 0.03]
    tracks, _ = tracked(frame(at, [leaving(at)]) for at in times)
    assert [track.observations for track in tracks] == [len(times)]


def _labelled(labels: Sequence[str], scores: Sequence[float]) -> list[Reading]:
    return [
        frame(200 * n, [walking(200 * n)], scores=[score], labels=[label])
        for n, (label, score) in enumerate(zip(labels, scores, strict=True))
    ]


def test_a_track_s_class_is_the_one_with_the_highest_sum_of_scores() -> None:
    labels = ["car", "truck", "car", "truck", "car", "truck"]
    tracks, _ = tracked(_labelled(labels, [0.4, 0.9, 0.4, 0.9, 0.4, 0.4]))
    assert [track.class_name for track in tracks] == ["truck"]
    tracks, _ = tracked(_labelled(labels, [0.5, 0.4, 0.5, 0.4, 0.5, 0.4]))
    assert [track.class_name for track in tracks] == ["car"]


def test_a_rider_and_the_bicycle_are_two() -> None:
    frames = []
    for at in range(0, 3001, 200):
        x1, y1, x2, y2 = walking(at, speed=0.2)
        rider, bicycle = (x1, y1, x2, y2 - 0.05), (x1 - 0.03, y1 + 0.12, x2 + 0.03, y2)
        frames.append(frame(at, [rider, bicycle], labels=["person", "bicycle"]))
    tracks, _ = tracked(frames)
    assert sorted((track.class_name, track.observations) for track in tracks) == [
        ("bicycle", 16),
        ("person", 16),
    ]


def test_one_frame_s_noise_is_no_object() -> None:
    frames = [
        frame(200 * n, [standing(0.1 + 0.2 * (n % 4), 0.5)] if n % 7 == 0 else [])
        for n in range(60)
    ]
    assert tracked(frames) == ([], [])


def test_something_seen_now_and_then_never_becomes_an_object_and_is_not_kept_for_ever() -> None:
    frames = [frame(100 * n, [standing(0.5, 0.6)] if n % 4 == 0 else []) for n in range(300)]
    state, found = sense(numbered(frames), ANY)
    assert [row for sensing in found for row in sensing.observations] == []
    assert max((len(track.waiting) for track in state.tracks), default=0) <= 8


def test_there_are_never_more_tracks_than_the_limit() -> None:
    boxes = [(x / 20, y / 20, x / 20 + 0.01, y / 20 + 0.02) for x in range(20) for y in range(20)]
    readings = [frame(100 * n, boxes[(n % 4) * 100 : (n % 4) * 100 + 100]) for n in range(12)]
    state, _ = sense(numbered(readings), plan(lost_s=60))
    assert 0 < len(state.tracks) <= Tuning().max_tracks
