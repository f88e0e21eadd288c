"""Capture as a process does it, on a real Kafka."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from infra.runtime.service import Service
from producers.frames import frames_of
from schemas.records import Beat, Detections, Frame, Health, Reading, Video
from tests.fixtures import fixture
from tests.http_camera import HttpCamera, drawn
from tests.rtsp_server import RtspServer
from tests.unit.producers.parts import camera, make_film, noise

START_AT = 946_684_800_000
START = "2000-01-01T00:00:00Z"
Start = Callable[[], Service]
Eventually = Callable[..., None]


def film(tmp_path: Path, pictures: int) -> Path:
    return make_film(tmp_path / "film.avi", [noise(n) for n in range(pictures)])


def states(depot: Any, name: str) -> list[str]:
    return [one.state for one in depot.read(Health, "up.health", name)]


def test_a_file_captured_live_gives_the_frames_of_its_replay(
    depot: Any, start: Start, eventually: Eventually, tmp_path: Path
) -> None:
    path = film(tmp_path, 40)
    version = depot.apply(f"  equal: {{source: {path}, pace: max, start_at: {START}}}\n")
    start()
    eventually(lambda: "ended" in states(depot, "equal"))
    live = depot.read(Frame, "frames", "equal")
    replayed = frames_of(path, camera(pace="max"), site="depot", name="equal", start_at=START_AT)
    assert live == [replace(one, config_version=version, view=None) for one in replayed]


def test_its_time_runs_on_after_the_end_and_a_restart_goes_on_above_it(
    depot: Any, start: Start, eventually: Eventually, tmp_path: Path
) -> None:
    path = film(tmp_path, 10)
    depot.apply(f"  again: {{source: {path}, pace: max, start_at: {START}}}\n")
    first = start()
    eventually(lambda: sum(b.state == "stalled" for b in depot.read(Beat, "frames", "again")) > 1)
    first.stopping.set()
    eventually(lambda: states(depot, "again")[-1] == "offline")
    beats = depot.read(Beat, "frames", "again")
    assert [one.beat_at for one in beats] == sorted({one.beat_at for one in beats})
    start()
    eventually(lambda: states(depot, "again").count("ended") > 1)
    frames = depot.read(Frame, "frames", "again")
    old, new = sorted({one.epoch_at for one in frames})
    assert old == START_AT
    assert new == beats[-1].beat_at + 1
    assert [one.seq for one in frames if one.epoch_at == new] == list(range(5))
    revisions = [one.revision for one in depot.read(Health, "up.health", "again")]
    assert revisions == sorted(set(revisions))


def test_a_new_configuration_touches_only_the_cameras_that_it_changes(
    depot: Any, start: Start, eventually: Eventually, tmp_path: Path
) -> None:
    path = film(tmp_path, 20)
    kept = f"  kept: {{source: {path}, loop: true, start_at: {START}, MODEL}}\n"
    changed = f"  changed: {{source: {path}, loop: true, pace: real, fps: FPS}}\n"
    gone = f"  gone: {{source: {path}, loop: true}}\n"
    missing = "  missing: {source: /nowhere/film.mp4}\n"
    first = depot.apply(
        kept.replace("MODEL", "min_score: 0.3") + changed.replace("FPS", "5") + gone + missing
    )
    start()
    eventually(lambda: len(depot.read(Frame, "frames", "gone")) > 2)
    second = depot.apply(kept.replace("MODEL", "min_score: 0.5") + changed.replace("FPS", "native"))
    eventually(lambda: depot.read(Frame, "frames", "changed")[-1].config_version == second)
    eventually(lambda: depot.read(Frame, "frames", "kept")[-1].config_version == second)
    eventually(lambda: depot.read(Beat, "frames", "gone")[-1].state == "offline")

    frames = depot.read(Frame, "frames", "kept")
    versions = [one.config_version for one in frames]
    assert versions == sorted(versions)
    # Not opened again: its epochs are those of the loops, one interval apart.
    epochs = sorted({one.epoch_at for one in frames})
    assert epochs == [START_AT + 2000 * n for n in range(len(epochs))]

    last = {one.epoch_at for one in depot.read(Frame, "frames", "changed")}
    restarted = min(
        one.epoch_at
        for one in depot.read(Frame, "frames", "changed")
        if one.config_version == second and one.seq == 0
    )
    assert restarted in last
    assert depot.read(Beat, "frames", "gone")[-1].config_version == first
    assert "there is no file /nowhere/film.mp4" in str(
        depot.read(Health, "up.health", "missing")[1].reason
    )


def test_the_fastest_pace_waits_for_detection_two_hundred_frames_ahead(
    depot: Any, start: Start, eventually: Eventually, tmp_path: Path
) -> None:
    path = film(tmp_path, 230)
    depot.apply(f"  fast: {{source: {path}, pace: max, fps: native, start_at: {START}}}\n")
    start()
    eventually(lambda: len(depot.read(Frame, "frames", "fast")) == 200)
    # It waits, and says where it stands, until the rest has caught up.
    eventually(lambda: len(depot.read(Beat, "frames", "fast")) > 2)
    frames = depot.read(Frame, "frames", "fast")
    assert len(frames) == 200
    assert "ended" not in states(depot, "fast")
    answered = frames[49]
    reading = Reading(
        kind="frame",
        camera="fast",
        offset=0,
        epoch_at=answered.epoch_at,
        seq=answered.seq,
        at=answered.captured_at,
        config_version=1,
        state="online",
        still=False,
        outcome="ok",
        width=64,
        height=48,
        source_width=64,
        source_height=48,
        model="foreground",
        model_version="1",
        boxes=(),
        scores=(),
        labels=(),
    )
    depot.producer.send(
        "detections", Detections(site="depot", partition=0, readings=(reading,)), partition=0
    )
    depot.producer.flush()
    eventually(lambda: "ended" in states(depot, "fast"))
    frames = depot.read(Frame, "frames", "fast")
    assert [one.seq for one in frames] == list(range(230))
    assert all(one.keep for one in frames)


def test_a_camera_that_drops_out_comes_back_in_a_new_epoch(
    depot: Any, start: Start, eventually: Eventually
) -> None:
    with RtspServer({"gate": fixture("videos/vtest_480x360_10fps.mp4")}) as server:
        depot.apply(f"  gate: {{source: {server.address('gate')}}}\n")
        start()
        eventually(lambda: len(depot.read(Frame, "frames", "gate")) > 5)
        server.set("gate", "down")
        eventually(lambda: states(depot, "gate")[-1] == "offline")
        eventually(lambda: depot.read(Beat, "frames", "gate")[-1].state != "online")
        server.set("gate", "up")
        eventually(lambda: len({one.epoch_at for one in depot.read(Frame, "frames", "gate")}) == 2)
        assert states(depot, "gate")[-1] == "online"
    records = [
        (one.captured_at, "frame") if isinstance(one, Frame) else (one.beat_at, "beat")
        for one in depot.read((Frame, Beat), "frames", "gate")
    ]
    highest = 0
    for at, kind in records:
        assert at > highest if kind == "frame" else at >= highest
        highest = at


def test_pictures_over_http_are_frames_and_video_as_those_of_any_camera(
    depot: Any, start: Start, eventually: Eventually
) -> None:
    with HttpCamera(drawn()) as server:
        depot.apply(
            f"  stream: {{source: '{server.address('/stream')}', fps: 10}}\n"
            f"  single: {{source: '{server.address('/picture')}', fps: 10}}\n"
        )
        start()
        for name in ("stream", "single"):
            eventually(partial(lambda name: len(depot.read(Frame, "frames", name)) > 15, name))
            eventually(partial(lambda name: len(depot.read(Video, "video", name)) > 3, name))
    for name in ("stream", "single"):
        frames = depot.read(Frame, "frames", name)
        assert [one.seq for one in frames] == list(range(len(frames)))
        slots = [(one.captured_at - one.epoch_at) // 100 for one in frames]
        assert slots == sorted(set(slots))
        assert (frames[0].source_width, frames[0].source_height) == (320, 240)
        for fragment in depot.read(Video, "video", name)[:4]:
            assert fragment.codec == "mjpeg"
            assert all(one.key_frame and one.data in drawn() for one in fragment.packets)
