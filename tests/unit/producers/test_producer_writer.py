from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from producers.writer import CameraWriter, Clocks
from schemas.errors import Backpressure
from schemas.records import Frame
from tests.unit.producers.parts import Outbox, Ticking

HOST = 1_700_000_000_000


class Desk:
    """A writer with everything around it."""

    def __init__(
        self, written_at: int | None = None, *, live: bool = True, resume: bool = True
    ) -> None:
        self.clock = Ticking(host=HOST)
        self.outbox = Outbox()
        self.writer = CameraWriter(
            cast(Any, self.outbox),
            site="depot",
            name="gate",
            config_version=1,
            clocks=Clocks(self.clock.monotonic_ms, self.clock.host_at),
        )
        if resume:
            self.writer.resume(written_at, 0, live=live)

    def frame(self, epoch_at: int, seq: int, captured_at: int) -> bool:
        return self.writer.frame(
            Frame(
                site="depot",
                camera="gate",
                epoch_at=epoch_at,
                seq=seq,
                captured_at=captured_at,
                config_version=0,
                width=1,
                height=1,
                source_width=1,
                source_height=1,
                jpeg=b"j",
            )
        )


def test_everything_of_a_camera_has_its_key() -> None:
    desk = Desk()
    epoch_at = desk.writer.begin_epoch(HOST)
    desk.frame(epoch_at, 0, epoch_at)
    desk.writer.beat()
    keys = [(topic, key) for topic, key, _ in desk.outbox.sent]
    assert keys == [("frames", "gate"), ("frames", "gate"), ("up.health", "depot/gate")]


def test_an_epoch_begins_above_what_another_process_wrote() -> None:
    assert Desk(HOST + 60_000).writer.begin_epoch(HOST) == HOST + 60_001
    assert Desk(HOST - 1).writer.begin_epoch(HOST) == HOST


def test_before_it_is_known_what_was_written_nothing_is() -> None:
    desk = Desk(resume=False)
    desk.writer.beat()
    assert not desk.outbox.sent
    assert not desk.writer.resumed


def test_a_frame_below_a_beat_is_dropped_and_counted() -> None:
    desk = Desk()
    epoch_at = desk.writer.begin_epoch(HOST)
    assert desk.frame(epoch_at, 0, epoch_at)
    desk.clock.move(5000)
    desk.writer.beat()
    assert desk.outbox.beats[-1].beat_at == epoch_at + 5000
    assert not desk.frame(epoch_at, 1, epoch_at + 5000)
    assert desk.frame(epoch_at, 2, epoch_at + 5001)
    assert [one.seq for one in desk.outbox.frames] == [0, 2]
    desk.clock.move(10_000)
    desk.writer.beat()
    assert (desk.outbox.health[-1].frames, desk.outbox.health[-1].dropped) == (2, 1)


def test_the_version_in_force_is_stamped_and_never_goes_back() -> None:
    desk = Desk()
    epoch_at = desk.writer.begin_epoch(HOST)
    desk.frame(epoch_at, 0, epoch_at)
    desk.writer.config_version = 2
    desk.writer.beat()
    desk.frame(epoch_at, 1, epoch_at + 200)
    assert [one.config_version for one in desk.outbox.frames] == [1, 2]
    assert desk.outbox.beats[-1].config_version == 2


def test_a_full_queue_refuses_a_frame_and_leaves_out_a_beat() -> None:
    desk = Desk()
    epoch_at = desk.writer.begin_epoch(HOST)
    desk.outbox.full = 1
    with pytest.raises(Backpressure):
        desk.frame(epoch_at, 0, epoch_at)
    assert desk.frame(epoch_at, 0, epoch_at)
    desk.outbox.full = 2
    desk.writer.beat()
    assert not desk.outbox.beats
    # The beat that was not written binds nobody.
    assert desk.frame(epoch_at, 1, epoch_at + 1)


def test_held_pictures_are_told_by_still_beats() -> None:
    desk = Desk()
    epoch_at = desk.writer.begin_epoch(HOST)
    desk.frame(epoch_at, 0, epoch_at)
    desk.writer.held(epoch_at + 200)
    desk.writer.beat()
    beat = desk.outbox.beats[-1]
    assert (beat.beat_at, beat.still, beat.epoch_at) == (epoch_at + 200, True, epoch_at)


def test_an_ended_file_lets_its_time_run_on() -> None:
    desk = Desk(live=False)
    epoch_at = desk.writer.begin_epoch(1000)
    desk.frame(epoch_at, 0, 1000)
    desk.clock.move(60_000)
    desk.writer.beat()
    desk.writer.end()
    desk.clock.move(1500)
    desk.writer.beat()
    told = [(one.beat_at, one.state) for one in desk.outbox.beats]
    assert told == [(1000, "online"), (2500, "stalled")]


def test_a_camera_taken_away_leaves_with_an_offline_beat() -> None:
    desk = Desk()
    epoch_at = desk.writer.begin_epoch(HOST)
    desk.frame(epoch_at, 0, epoch_at)
    desk.clock.move(100)
    desk.writer.leave("taken out of the configuration")
    assert [(one.beat_at, one.state) for one in desk.outbox.beats] == [(epoch_at + 100, "offline")]
    assert desk.outbox.health[-1].reason == "taken out of the configuration"


def test_health_is_told_at_once_when_it_changes_and_else_every_ten_seconds() -> None:
    desk = Desk()
    desk.writer.tell("connecting")
    desk.writer.tell("connecting")
    epoch_at = desk.writer.begin_epoch(HOST)
    desk.writer.tell("online")
    for index in range(25):
        desk.frame(epoch_at, index, epoch_at + 400 * index)
        desk.writer.seen()
        desk.clock.move(400)
        desk.writer.beat()
    told = desk.outbox.health
    assert [one.state for one in told] == ["connecting", "online", "online"]
    assert told[-1].frames_per_s == pytest.approx(2.5)
    assert json.loads(told[-1].details)["epoch_at"] == epoch_at
    assert json.loads(told[-1].details)["written_at"] == desk.outbox.beats[-1].beat_at
    revisions = [one.revision for one in told]
    assert revisions == sorted(set(revisions))


def test_health_notices_that_an_open_camera_falls_silent_and_comes_back() -> None:
    desk = Desk()
    epoch_at = desk.writer.begin_epoch(HOST)
    desk.writer.tell("online")
    desk.frame(epoch_at, 0, epoch_at)
    for ms in (3500, 7500):
        desk.clock.move(ms)
        desk.writer.beat()
    desk.writer.seen()
    desk.frame(epoch_at, 1, epoch_at + 20_000)
    desk.writer.beat()
    states = [one.state for one in desk.outbox.health]
    assert states == ["online", "stalled", "offline", "online"]
    assert desk.outbox.health[1].reason
    assert desk.outbox.health[-1].reason is None


def test_the_revision_goes_on_above_the_last_one_even_if_the_host_went_back() -> None:
    desk = Desk(resume=False)
    desk.writer.resume(None, HOST + 500, live=True)
    desk.writer.tell("online")
    desk.writer.tell("offline", "gone")
    assert [one.revision for one in desk.outbox.health] == [HOST + 501, HOST + 502]


def test_records_of_frames_are_changed_in_their_version_only() -> None:
    desk = Desk()
    epoch_at = desk.writer.begin_epoch(HOST)
    desk.frame(epoch_at, 0, epoch_at)
    (frame,) = desk.outbox.frames
    assert replace(frame, config_version=0).jpeg == b"j"
    assert (frame.seq, frame.captured_at) == (0, epoch_at)
