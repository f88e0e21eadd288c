from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import pytest

from producers import backoff
from producers.capture import CameraCapture
from producers.opening import CameraTask
from producers.sources.source import Packet, Picture, Source
from producers.writer import CameraWriter, Clocks
from schemas.errors import Rejected, Retryable
from tests.unit.producers.parts import Outbox, ScriptedSource, Ticking, camera, noise, picture

HOST = 1_700_000_000_000
START = "2000-01-01T00:00:00Z"
START_AT = 946_684_800_000


class Studio:
    """One camera's loop over scripted sources, with a clock that a test moves."""

    def __init__(self, *sources: ScriptedSource, written_at: int | None = None, **keys: Any):
        self.clock = Ticking(host=HOST)
        self.outbox = Outbox()
        self.left = list(sources)
        clocks = Clocks(self.clock.monotonic_ms, self.clock.host_at)
        settings = camera(**{"fps": "native", "pace": "max", **keys})
        self.writer = CameraWriter(
            cast(Any, self.outbox), site="depot", name="gate", config_version=3, clocks=clocks
        )
        self.writer.resume(written_at, 0, live=settings.source.live)
        self.capture = CameraCapture(
            CameraTask("depot", "gate", settings), self.writer, {}, None, clocks, self._next
        )

    def _next(self, *_: object) -> Source:
        if not self.left:
            self.capture.stopping.set()
            return ScriptedSource([])
        return self.left.pop(0)

    def run(self) -> Studio:
        self.capture.run()
        return self

    @property
    def states(self) -> list[str]:
        return [one.state for one in self.outbox.health]

    @property
    def times(self) -> list[tuple[int, int]]:
        return [(one.epoch_at, one.captured_at) for one in self.outbox.frames]


def live(**keys: Any) -> dict[str, Any]:
    return {"source": "rtsp://10.0.3.21/stream", "pace": "real", **keys}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr(backoff, "delay_s", lambda *_: 0.0)


def test_a_file_is_read_once_from_its_own_start() -> None:
    studio = Studio(ScriptedSource([picture(40 * n) for n in range(4)]), start_at=START).run()
    assert studio.times == [(START_AT, START_AT + 40 * n) for n in range(4)]
    assert studio.states == ["connecting", "online", "ended"]
    assert {one.config_version for one in studio.outbox.frames} == {3}
    assert all(one.keep for one in studio.outbox.frames)


def test_a_file_without_a_start_begins_now() -> None:
    assert Studio(ScriptedSource([picture(7)])).run().times == [(HOST, HOST)]


def test_a_loop_starts_one_interval_after_the_end_of_the_one_before() -> None:
    films = [ScriptedSource([picture(100 * n) for n in range(3)]) for _ in range(3)]
    studio = Studio(*films, loop=True, start_at=START).run()
    epochs = [START_AT, START_AT + 300, START_AT + 600]
    assert studio.times == [(epoch, epoch + 100 * n) for epoch in epochs for n in range(3)]
    assert [one.seq for one in studio.outbox.frames] == [0, 1, 2] * 3
    assert "ended" not in studio.states


def test_a_restart_goes_on_above_what_was_written() -> None:
    film = ScriptedSource([picture(0), picture(100)])
    studio = Studio(film, start_at=START, written_at=START_AT + 5000).run()
    assert studio.times == [(START_AT + 5001, START_AT + 5001), (START_AT + 5001, START_AT + 5101)]


def test_a_live_camera_that_breaks_off_is_opened_again_as_a_new_epoch() -> None:
    broken = ScriptedSource([picture(0), picture(100)], live=True)
    studio = Studio(broken, ScriptedSource([picture(90_000)], live=True), **live()).run()
    first, second = sorted({one.epoch_at for one in studio.outbox.frames})
    assert first == HOST
    assert second == HOST + 101
    assert studio.states == ["connecting", "online", "offline", "online", "offline"]
    assert studio.outbox.health[2].reason == "rtsp://10.0.3.21/stream closed the connection"
    assert broken.closed


def test_what_went_wrong_is_told_and_the_camera_tried_again() -> None:
    studio = Studio(
        ScriptedSource([], live=True, at_open=Retryable("nobody answers")),
        ScriptedSource([], live=True, at_open=Rejected("wrong password")),
        ScriptedSource([picture(0)], live=True, at_end=Retryable("fell silent")),
        **live(),
    ).run()
    told = [(one.state, one.reason) for one in studio.outbox.health]
    assert told == [
        ("connecting", None),
        ("offline", "nobody answers"),
        ("offline", "wrong password"),
        ("online", None),
        ("offline", "fell silent"),
    ]


def test_failures_are_counted_in_a_row_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def noted(failures: int, *_: object) -> float:
        seen.append(failures)
        return 0.0

    monkeypatch.setattr(backoff, "delay_s", noted)
    away = Retryable("away")
    Studio(
        *(ScriptedSource([], live=True, at_open=away) for _ in range(3)),
        ScriptedSource([picture(0)], live=True),
        ScriptedSource([], live=True, at_open=away),
        **live(),
    ).run()
    assert seen == [1, 2, 3, 1, 2]


def test_a_timestamp_jump_of_a_live_camera_does_not_move_its_time() -> None:
    studio = Studio(**live())

    def pictures() -> Iterator[Picture]:
        for pts_ms in (0, 100, 9_000_200, 9_000_300):
            yield picture(pts_ms)
            studio.clock.move(100)

    studio.left.append(ScriptedSource(cast(Any, pictures()), live=True))
    studio.run()
    assert [at - HOST for _, at in studio.times] == [0, 100, 200, 300]


def test_a_full_queue_costs_a_live_camera_frames_and_a_file_none() -> None:
    frames = [picture(100 * n) for n in range(4)]
    for keys, expected in ((live(), 3), ({"source": "film.avi"}, 4)):
        studio = Studio(**keys)
        source = ScriptedSource([], live=bool(keys.get("pace")))

        def pictures(studio: Studio = studio) -> Iterator[Picture]:
            for index, one in enumerate(frames):
                studio.outbox.full = 1 if index == 2 else 0
                yield one

        source.items = cast(Any, pictures())
        studio.left.append(source)
        studio.run()
        assert len(studio.outbox.frames) == expected


def test_the_gate_holds_and_the_end_of_a_file_is_told() -> None:
    studio = Studio(
        ScriptedSource([picture(100 * n) for n in range(6)]), motion_gate=True, start_at=START
    ).run()
    assert [at - START_AT for _, at in studio.times] == [0, 500]
    assert [one.still for one in studio.outbox.frames] == [False, True]


def test_video_is_written_as_it_came() -> None:
    items: list[Packet | Picture] = []
    for index in range(15):
        items.append(Packet(100 * index, 100 * index, 100, index % 10 == 0, b"data"))
        items.append(Picture(Fraction(100 * index), lambda: noise(1)))
    studio = Studio(ScriptedSource(items), start_at=START).run()
    told = [(one.gop, one.key_frame, len(one.packets)) for one in studio.outbox.video]
    assert told == [(0, True, 10), (1, True, 5)]
    assert [one.captured_at - START_AT for one in studio.outbox.video] == [0, 1000]


def test_it_stops_in_the_middle_of_waiting_for_a_picture_to_be_due() -> None:
    film = ScriptedSource([picture(0), picture(50_000), picture(100_000)])
    studio = Studio(film, pace="real", start_at=START)
    thread = threading.Thread(target=studio.run)
    thread.start()
    studio.capture.stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    assert film.closed
    assert len(studio.outbox.frames) <= 2
