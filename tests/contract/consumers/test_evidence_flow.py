"""From frames and events at the site to objects and rows in the cloud, across kills."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import av
import cv2
import numpy as np
import psycopg
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from psycopg.rows import dict_row

from consumers.sinks.evidence import run_evidence_sink
from consumers.sync.agent import run_agent
from consumers.sync.publish import await_receipt, publish, receipts_end
from infra.runtime.kafka import Message, RecordProducer, read_all
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.codec import decode_as
from schemas.ids import evidence_id
from schemas.records import Event, Evidence, Frame
from streams.evidence.run import EVENTS_TOPIC, EVIDENCE_TOPIC, run_evidence
from tests.contract.consumers.consumer_parts import SITE, Running, dead_letters, eventually
from tests.contract.consumers.store_rows import event

Start = Callable[..., Running]
OPENED_AT = 1_700_000_010_000
STEP_MS = 200
BUILDER = """
import sys
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from streams.evidence.run import run_evidence
import os
sys.exit(Service("evidence", Settings.from_environment(os.environ)).run(run_evidence))
"""


class Site:
    """A camera with frames in Kafka, and rules that want evidence."""

    def __init__(self, settings: Settings, version: int, camera: str) -> None:
        self.settings, self.version, self.camera = settings, version, camera
        self._producer = RecordProducer(settings.edge_kafka, "test")

    def film(self, first_ms: int, last_ms: int) -> list[Message]:
        """Write frames at these times, relative to ``OPENED_AT``; return all of the camera's."""
        for at in range(OPENED_AT + first_ms, OPENED_AT + last_ms + 1, STEP_MS):
            picture = np.full((90, 160, 3), at // STEP_MS % 200, np.uint8)
            frame = Frame(
                site=SITE,
                camera=self.camera,
                epoch_at=OPENED_AT,
                seq=at // STEP_MS,
                captured_at=at,
                config_version=self.version,
                width=160,
                height=90,
                source_width=160,
                source_height=90,
                jpeg=cv2.imencode(".jpg", picture)[1].tobytes(),
            )
            self._producer.send("frames", frame, key=self.camera)
        self._producer.flush()
        return [m for m in read_all(self.settings.edge_kafka, "frames") if m.key == self.camera]

    def open_event(self, rule: str, best: Message | None = None, **changes: Any) -> Event:
        frame = None
        if best is not None:
            shown = decode_as(Frame, best.value)
            box = [0.25, 0.25, 0.5, 0.75]
            place = {"partition": best.partition, "offset": best.offset, "score": 0.9, "box": box}
            frame = {**place, "captured_at": shown.captured_at}
        fields = {
            "camera": self.camera,
            "rule": rule,
            "opened_at": OPENED_AT,
            "config_version": self.version,
            "provenance": json.dumps([{"camera": self.camera, "frame": frame}]),
        }
        opened = event(str(uuid.uuid4()), **{**fields, **changes})
        self._producer.send(EVENTS_TOPIC, opened, key=opened.event_id)
        self._producer.flush()
        return opened

    def made(self, of: Event, kind: str) -> list[Evidence]:
        """Return the records of one piece of evidence so far."""
        name = evidence_id(of.event_id, kind)
        messages = read_all(self.settings.edge_kafka, EVIDENCE_TOPIC)
        records = [decode_as(Evidence, m.value) for m in messages if m.key == of.event_id]
        return [record for record in records if record.evidence_id == name]


@pytest.fixture
def site(settings: Settings, start: Start) -> Site:
    camera = f"cam-{uuid.uuid4().hex[:8]}"
    config = {
        "version": 1,
        "site": SITE,
        "cameras": {camera: {"source": "usb:0"}},
        "sensors": {"lawn": {"camera": camera, "kind": "tamper"}},
        "rules": {
            name: {"when": {"sensor": "lawn", "trigger": "covered"}, "evidence": wanted}
            for name, wanted in {
                "both": {"clip": {"before_s": 2, "after_s": 3}},
                "none": {"snapshot": False},
                "snapshot": {},
            }.items()
        },
    }

    def agent(service: Service) -> None:
        run_agent(service, lambda config: None)

    running = start(agent)
    begin = receipts_end(settings.edge_kafka)
    sha256 = publish(settings.edge_kafka, SITE, json.dumps(config))
    receipt = await_receipt(settings.edge_kafka, SITE, sha256, wait_s=60, start=begin)
    # Its beats would move the camera's clock on.
    running.stop()
    return Site(settings, receipt.config_version, camera)


@pytest.fixture
def builder(settings: Settings) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the evidence builder as a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", BUILDER]
        started.append(subprocess.Popen(command, env={**os.environ, **settings.environment()}))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_evidence_arrives_in_the_cloud_though_its_maker_is_killed_in_between(
    site: Site, builder: Callable[[], subprocess.Popen[bytes]], start: Start, dsn: str
) -> None:
    frames = site.film(-4000, 0)
    process = builder()
    opened = site.open_event("both", best=frames[-3])
    (snapshot,) = eventually(lambda: site.made(opened, "snapshot"))
    assert (snapshot.status, snapshot.from_at) == ("ok", OPENED_AT - 2 * STEP_MS)
    picture = cv2.imdecode(np.frombuffer(snapshot.data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (90, 160, 3)

    process.send_signal(signal.SIGKILL)
    process.wait()
    assert site.made(opened, "clip") == []
    site.film(STEP_MS, 3000)
    builder()
    clip = eventually(lambda: site.made(opened, "clip"))[-1]
    assert (clip.status, clip.from_at, clip.to_at) == ("ok", OPENED_AT - 2000, OPENED_AT + 3000)
    with av.open(io.BytesIO(clip.data), mode="r") as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        times = [
            round(f.pts * stream.time_base * 1000)
            for f in container.decode(stream)
            if f.pts is not None
        ]
    assert times == list(range(0, 5001, STEP_MS))
    assert len({record.sha256 for record in site.made(opened, "snapshot")}) == 1

    start(run_evidence_sink)

    def rows() -> dict[str, Any] | None:
        with psycopg.connect(dsn, row_factory=dict_row) as connection:
            query = "SELECT * FROM evidence WHERE event_id = %s"
            found = {row["kind"]: row for row in connection.execute(query, [opened.event_id])}
        return found if len(found) == 2 else None

    stored = eventually(rows)
    assert {kind: row["sha256"] for kind, row in stored.items()} == {
        "snapshot": snapshot.sha256,
        "clip": clip.sha256,
    }


def test_frames_that_have_expired_are_told_and_others_are_still_made(
    site: Site, start: Start
) -> None:
    frames = site.film(-2000, 4000)
    old, new = frames[0], frames[20]
    admin = AdminClient({"bootstrap.servers": site.settings.edge_kafka})
    place = TopicPartition("frames", old.partition, new.offset)
    for future in admin.delete_records([place]).values():
        future.result()
    expired = site.open_event("snapshot", best=old)
    kept = site.open_event("both", best=new)
    start(run_evidence)
    (record,) = eventually(lambda: site.made(expired, "snapshot"))
    assert (record.status, record.data) == ("expired", b"") and "expired" in (record.reason or "")
    (record,) = eventually(lambda: site.made(kept, "snapshot"))
    assert record.status == "ok"
    (clip,) = eventually(lambda: site.made(kept, "clip"))
    assert (clip.status, clip.from_at) == ("ok", OPENED_AT + 2000)


def test_a_bad_event_goes_to_the_dead_letters_and_the_next_one_gets_its_picture(
    site: Site, start: Start
) -> None:
    start(run_evidence)
    frames = site.film(0, 1000)
    unknown = site.open_event("no-such-rule")
    damaged = site.open_event("snapshot", provenance="no json")
    unwanted = site.open_event("none", best=frames[0])
    updated = site.open_event("snapshot", best=frames[0], state="updated", revision=2)
    good = site.open_event("snapshot", best=frames[0])
    eventually(lambda: site.made(good, "snapshot"))
    for bad, reason in ((unknown, b"unknown-rule"), (damaged, b"bad-provenance")):
        key = bad.event_id
        look = partial(dead_letters, site.settings.edge_kafka, EVENTS_TOPIC, key)
        letters = eventually(look)
        assert [dict(letter.headers)["reason"] for letter in letters] == [reason]
    assert site.made(unwanted, "snapshot") == [] and site.made(updated, "snapshot") == []
