"""The sense step: one reading at a time, repeats, late frames, epochs, reports."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from schemas import ids
from schemas.codec import decode_as, encode
from schemas.errors import Rejected
from schemas.records import Count, Reading, Sensed, Track
from streams.core.sense import new_state, step
from tests.unit.streams.core.sensing.scene import (
    CAMERA,
    EPOCH,
    PARTITION,
    SITE,
    beat,
    brief,
    frame,
    numbered,
    plan,
    sense,
    standing,
    triggers,
)

LINE = {"kind": "line", "points": [[0.5, 0.1], [0.5, 0.9]]}
ZONE = {"kind": "zone", "points": [[0.3, 0.1], [0.9, 0.1], [0.9, 0.9], [0.3, 0.9]]}
BOTH = {"lawn": ZONE, "door": LINE}


def walk(
    start_ms: int = 0, end_ms: int = 4000, *, every_ms: int = 200, first: float = 0.2, **keys: Any
) -> Iterator[Reading]:
    """A walk to the right at 0.15 of the picture a second."""
    for at in range(start_ms, end_ms + 1, every_ms):
        x = first + 0.15 * (at - start_ms) / 1000
        yield frame(at, [standing(x, 0.6)], **keys)


def test_a_crossing_names_its_track_and_carries_its_features() -> None:
    _, found = sense(numbered(walk()), plan({"door": LINE}))
    (crossed,) = triggers(found)
    track = f"{CAMERA}-{EPOCH}-0-0"
    assert (crossed.track, crossed.direction, crossed.class_name) == (track, "backward", "person")
    at = EPOCH + 2200
    assert (crossed.triggered_at, crossed.since_at, crossed.known_at) == (at, at, at)
    assert crossed.trigger_id == ids.trigger_id(SITE, CAMERA, EPOCH, "door", "crossed", track, at)
    assert crossed.score == pytest.approx(0.9)
    assert crossed.anchor == pytest.approx((0.53, 0.6))
    report = crossed.report
    assert report is not None
    assert (report.observations, report.age_ms) == (12, 2200)
    assert report.box_height == pytest.approx(0.3)
    # 0.33 of the picture's width, in frame heights, over a height of 0.3: smoothed, so less of it.
    way = 0.33 * 640 / 480 / 0.3
    assert 0.5 * way < report.displacement < 0.75 * way
    assert (report.best.partition, report.best.offset) == (PARTITION, 0)
    assert crossed.frame is not None
    assert (crossed.frame.partition, crossed.frame.captured_at) == (PARTITION, at)


def test_what_only_time_decides_has_no_frame_of_its_own() -> None:
    readings = [*walk(), *(beat(at) for at in range(5000, 9000, 1000))]
    _, found = sense(numbered(readings), plan({"lawn": ZONE}))
    entered, left = triggers(found)
    assert (entered.trigger, left.trigger) == ("entered", "left")
    assert entered.frame is not None and left.frame is None and left.report is not None


def test_the_best_frame_shows_the_object_whole_rather_than_sharp() -> None:
    readings = [frame(0, [standing(0.0, 0.6)], scores=[0.99])]
    readings += [
        frame(200 * n, [standing(0.03 * n, 0.6)], scores=[score])
        for n, score in enumerate([0.5, 0.6, 0.8, 0.7, 0.8], start=1)
    ]
    state, _ = sense(numbered(readings), plan())
    best = state.tracks[0].evidence.best
    assert (best.score, best.offset) == (0.8, 3)


def test_an_unconfirmed_object_acts_on_nothing_and_is_then_judged_by_its_whole_path() -> None:
    inside = {"lawn": ZONE}
    readings = [frame(0, [standing(0.4, 0.6)]), frame(100, [standing(0.4, 0.6)])]
    assert triggers(sense(numbered(readings), plan(inside))[1]) == []
    readings += [frame(at, [standing(0.4, 0.6)]) for at in range(200, 1001, 100)]
    _, found = sense(numbered(readings), plan(inside))
    (entered,) = triggers(found)
    assert entered.triggered_at == EPOCH < entered.known_at <= EPOCH + 500
    rows = [row for sensing in found for row in sensing.observations]
    assert [row.seq for row in rows] == list(range(len(readings)))


def test_repeats_change_nothing() -> None:
    readings = numbered(walk())
    compiled = plan(BOTH)
    once = triggers(sense(readings, compiled)[1])
    twice = [reading for reading in readings for _ in range(2)]
    _, found = sense([*twice, *readings[3:9]], compiled)
    assert triggers(found) == once
    assert {item.dropped for item in found} == {None, "repeat"}


def test_frames_at_or_below_the_time_reached_are_late() -> None:
    compiled = plan()
    _, found = sense(
        numbered([frame(0), beat(1000), frame(1000), frame(999), frame(1001)]), compiled
    )
    assert [item.dropped for item in found] == [None, None, "late", "late", None]


def test_a_frame_of_an_older_epoch_is_late() -> None:
    readings = [frame(0), frame(5000, epoch_at=EPOCH + 5000), frame(6000)]
    assert [item.dropped for item in sense(numbered(readings), plan())[1]] == [None, None, "late"]


def test_beats_are_copied_in_order_with_their_state() -> None:
    _, found = sense(numbered([frame(0), beat(1000), beat(5000, "offline")]), plan())
    assert [
        item.sensed and (item.sensed.beat, item.sensed.n, item.sensed.at - EPOCH) for item in found
    ] == [
        None,
        ("online", 1, 1000),
        ("offline", 2, 5000),
    ]


def test_what_leaves_the_stage_can_be_written_and_read() -> None:
    _, found = sense(numbered([*walk(), beat(70_000)]), plan(BOTH))
    said = [item.sensed for item in found if item.sensed]
    assert len(said) > 3
    for sensed in said:
        assert decode_as(Sensed, encode(sensed)) == sensed
    records: list[Track | Count] = []
    for item in found:
        records += [*item.tracks, *item.counts]
    assert {type(record) for record in records} == {Track, Count}
    for record in records:
        assert decode_as(type(record), encode(record)) == record


def test_a_track_ends_lost_s_after_it_was_last_seen_and_says_where_it_was() -> None:
    readings = numbered([*walk(end_ms=3000), beat(4999), beat(5000)])
    _, found = sense(readings, plan(BOTH))
    assert [len(item.tracks) for item in found[-2:]] == [0, 1]
    (track,) = found[-1].tracks
    assert (track.started_at, track.ended_at) == (EPOCH, EPOCH + 3000)
    assert (track.zones, track.observations) == (("lawn",), 16)
    assert (track.path[0].at, track.path[-1].at) == (EPOCH, EPOCH + 3000)
    assert (track.path[-1].x, track.path[-1].y) == pytest.approx((0.65, 0.6))
    assert brief(triggers(found))[-1] == ("lawn", "left", 5000, 3000, 5000)


def test_a_new_epoch_ends_all_tracks_of_the_old_one() -> None:
    new = EPOCH + 3200
    readings = numbered(
        [*walk(end_ms=3000), *walk(3200, 4000, first=0.65, epoch_at=new), beat(6000)]
    )
    _, found = sense(readings, plan({"lawn": ZONE}))
    told = triggers(found)
    assert [(item.trigger, item.epoch_at) for item in told] == [
        ("entered", EPOCH),
        ("entered", new),
        ("left", EPOCH),
        ("left", new),
    ]
    assert told[2].triggered_at - EPOCH == 5000
    assert told[1].track == f"{CAMERA}-{new}-0-0"


def test_frames_that_were_not_analysed_are_no_absence() -> None:
    looks = [frame(at, [standing(0.5, 0.6)]) for at in range(0, 1001, 200)]
    blind = [frame(at, outcome="dropped") for at in range(1200, 2601, 200)]
    again = [frame(at, [standing(0.5, 0.6)]) for at in range(2800, 3601, 200)]
    compiled = plan({"lawn": ZONE | {"dwell_s": 3}})
    _, found = sense(numbered([*looks, *blind, *again]), compiled)
    assert brief(triggers(found)) == [
        ("lawn", "entered", 0, 0, 400),
        ("lawn", "dwelled", 3000, 0, 3000),
    ]


def test_reports_come_once_a_second_and_only_of_tracks_that_have_fired() -> None:
    _, found = sense(numbered(walk(first=0.1, end_ms=5000)), plan({"door": LINE}))
    told = [report.at - EPOCH for item in found if item.sensed for report in item.sensed.reports]
    # The line is crossed at 2.8 s.
    assert told == [3000, 4000, 5000]


def test_triggers_of_one_frame_come_in_order() -> None:
    boxes = [[standing(0.4, 0.4), standing(0.4, 0.8)], [standing(0.6, 0.4), standing(0.6, 0.8)]]
    readings = [frame(at, boxes[0]) for at in range(0, 1001, 200)]
    readings += [frame(at, boxes[0]) for at in range(1200, 1801, 200)]
    slow = [
        frame(2000 + 200 * n, [standing(0.4 + 0.03 * n, 0.4), standing(0.4 + 0.03 * n, 0.8)])
        for n in range(8)
    ]
    _, found = sense(numbered([*readings, *slow]), plan({"b": LINE, "a": LINE}))
    (sensed,) = [item.sensed for item in found if item.sensed and item.sensed.triggers]
    order = [(item.sensor, item.track) for item in sensed.triggers]
    assert len(order) == 4 and order == sorted(order, key=str)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"boxes": (0.1, 0.1, 0.2)}, "uneven-detections"),
        ({"width": 0}, "incomplete-frame"),
        ({"epoch_at": None}, "incomplete-frame"),
    ],
)
def test_a_reading_that_contradicts_itself_is_refused_and_changes_nothing(
    keys: dict[str, Any], reason: str
) -> None:
    state, compiled = new_state(SITE, CAMERA), plan(BOTH)
    with pytest.raises(Rejected) as caught:
        reading = dataclasses.replace(frame(0, [standing(0.5, 0.5)], offset=0), **keys)
        step(state, reading, PARTITION, compiled)
    assert caught.value.reason == reason
    assert state == new_state(SITE, CAMERA)
