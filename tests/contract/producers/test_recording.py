"""Continuous video on a real Kafka: where it lies, how long it is kept, and what cuts it short."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import av
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from structlog.testing import capture_logs

from infra.runtime.kafka import low_offsets, read_all
from infra.runtime.service import Service
from producers.recording import LOOK_EVERY_MS, Recordings
from schemas.errors import Fatal
from schemas.records import Frame, Video
from schemas.site import parse
from schemas.site.values import instant_text
from tests.product import run_cli
from tests.unit.producers.parts import fragment, make_film, noise

HOUR_MS = 3_600_000
Start = Callable[[], Service]
Eventually = Callable[..., None]


def kept(depot: Any) -> tuple[str | None, str | None]:
    """Return the topic's ``retention.ms`` and ``retention.bytes``."""
    admin = AdminClient({"bootstrap.servers": depot.kafka})
    (asked,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, "recording")]).values()
    settings = asked.result()
    return settings["retention.ms"].value, settings["retention.bytes"].value


def test_all_video_of_a_camera_is_kept_as_long_as_it_asks_and_that_of_others_is_not(
    depot: Any, start: Start, eventually: Eventually, tmp_path: Path
) -> None:
    film = make_film(tmp_path / "film.avi", [noise(n) for n in range(40)])
    vault = f"  vault: {{source: {film}, loop: true, record: continuous, keep_h: HOURS}}\n"
    lobby = f"  lobby: {{source: {film}, loop: true}}\n"
    depot.apply(vault.replace("HOURS", "2") + lobby)
    start()
    eventually(lambda: len(depot.read(Video, "recording", "vault")) > 2)
    eventually(lambda: len(depot.read(Video, "video", "lobby")) > 2)
    assert not depot.read(Video, "video", "vault")
    assert not depot.read(Video, "recording", "lobby")
    assert kept(depot) == (str(2 * HOUR_MS), str(100 << 30))

    version = depot.apply(vault.replace("HOURS", "24") + lobby)
    eventually(lambda: kept(depot)[0] == str(24 * HOUR_MS))
    eventually(lambda: depot.read(Frame, "frames", "vault")[-1].config_version == version)
    # It was not opened again for that: its loops follow one another.
    epochs = sorted({one.epoch_at for one in depot.read(Frame, "frames", "vault")})
    assert epochs == [epochs[0] + 4000 * n for n in range(len(epochs))]

    begun = depot.read(Video, "recording", "vault")[0].captured_at
    for topic, name in (("recording", "vault"), ("video", "lobby")):
        eventually(partial(_reaches, depot, topic, name, begun + 4000))
    wanted = [instant_text(begun + 1000), instant_text(begun + 3000)]
    out = tmp_path / "out.mp4"
    done = exported(depot, "vault", wanted, out)
    assert done.stdout.startswith(f"{out}: "), done.stderr
    assert 20 <= pictures(out) <= 22
    # What lies in the other topic is found as well, and what is not there is told of.
    done = exported(depot, "lobby", wanted, tmp_path / "lobby.mp4")
    assert done.returncode == 0, done.stderr
    done = exported(depot, "vault", ["2001-01-01", "2001-01-02"], tmp_path / "none.mp4")
    assert done.returncode == 1
    assert f"kept is from {instant_text(begun)} to " in done.stderr
    done = exported(depot, "nobody", wanted, tmp_path / "none.mp4")
    assert "no video of nobody is kept" in done.stderr

    version = depot.apply(lobby)
    eventually(lambda: depot.read(Frame, "frames", "lobby")[-1].config_version == version)
    # What was recorded stays as long as it was promised.
    assert kept(depot)[0] == str(24 * HOUR_MS)


def test_a_limit_of_bytes_that_cuts_it_short_is_told_of(depot: Any) -> None:
    site = parse(
        "version: 1\nsite: depot\ncameras: {gate: {source: gate.mp4, record: continuous}}\n"
    )
    for number in range(3):
        depot.producer.send("recording", fragment(0, 1000 * number), key="gate")
    depot.producer.flush()
    now_at = [10**13]
    recordings = Recordings(depot.kafka, "0.5", lambda: now_at[0])
    recordings.apply(site)
    assert kept(depot) == (str(72 * HOUR_MS), str(1 << 29))
    with capture_logs() as logs:
        recordings.turn()
    assert not logs, "nothing is gone yet"
    lows = low_offsets(depot.kafka, "recording")
    assert set(lows.values()) == {0}

    # As the limit of bytes does: all but the newest of each partition go.
    left = {message.partition: message for message in read_all(depot.kafka, "recording")}
    places = [TopicPartition("recording", number, one.offset) for number, one in left.items()]
    admin = AdminClient({"bootstrap.servers": depot.kafka})
    for future in admin.delete_records(places).values():
        future.result()
    now_at[0] = max(message.arrived_at for message in left.values()) + HOUR_MS
    recordings._looked_at = 0
    with capture_logs() as logs:
        recordings.turn()
        recordings.turn()
    (told,) = logs
    assert "kept shorter than configured" in told["event"]
    assert (told["kept_h"], told["wanted_h"]) == (1.0, 72)
    now_at[0] += LOOK_EVERY_MS
    with capture_logs() as logs:
        recordings.turn()
    assert len(logs) == 1


@pytest.mark.parametrize("given", ["", "much", "0", "-1", "nan", "inf"])
def test_a_limit_that_is_no_number_is_refused_by_its_name(given: str) -> None:
    with pytest.raises(Fatal, match="SIGHTLINE_RECORDING_GIB is"):
        Recordings("127.0.0.1:9", given, lambda: 0)


def _reaches(depot: Any, topic: str, name: str, at: int) -> bool:
    return bool(depot.read(Video, topic, name)[-1].captured_at > at)


def exported(
    depot: Any, camera: str, between: list[str], out: Path
) -> subprocess.CompletedProcess[str]:
    start, until = between
    arguments = ("--camera", camera, "--from", start, "--to", until, "--out", str(out))
    variables = {"SIGHTLINE_EDGE_KAFKA": depot.kafka, "SIGHTLINE_SITE": "depot"}
    return run_cli("video", "export", *arguments, env=variables)


def pictures(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))
