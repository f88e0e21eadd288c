"""One thread through the whole system: footage in, events with evidence out, equal to replay."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pymongo
import pytest
from minio import Minio

from tests import pets
from tests.product import Product
from tests.replaying import Replayed, epoch_of, replay

CAMERA = "gate"


@pytest.fixture(scope="module")
def live(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """The footage has run through the product, and all of its events are closed in Postgres."""
    folder = tmp_path_factory.mktemp("live")
    product.apply(pets.site_yaml({CAMERA: "max"}, clip=True), folder)
    product.finish(CAMERA)
    return product


@pytest.fixture(scope="module")
def replayed(live: Product, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """The same footage through ``replay --start`` with the live run's epoch."""
    folder = tmp_path_factory.mktemp("replay")
    text = pets.site_yaml({CAMERA: "max"}, clip=True)
    return replay(text, CAMERA, epoch_of(live, CAMERA), folder)


def test_crossings_in_postgres_match_the_ground_truth(live: Product) -> None:
    epoch = epoch_of(live, CAMERA)
    rows = live.rows(
        "SELECT rule, matched_at FROM verdicts WHERE camera = %s AND verdict = 'accepted'", CAMERA
    )
    found = [
        pets.Crossing(row["matched_at"].timestamp() - epoch / 1000, row["rule"].split("-")[1])
        for row in rows
    ]
    score = pets.f1(found, pets.true_crossings())
    print(f"F1 of the crossings in Postgres: {score:.3f}")
    assert score >= 0.95


def test_replay_gives_the_events_of_the_live_run(live: Product, replayed: Replayed) -> None:
    assert live.outcome(CAMERA) == replayed.events
    assert live.verdicts(CAMERA) == replayed.verdicts


def test_two_replays_give_the_same_bytes(live: Product, replayed: Replayed, tmp_path: Path) -> None:
    text = pets.site_yaml({CAMERA: "max"}, clip=True)
    again = replay(text, CAMERA, epoch_of(live, CAMERA), tmp_path)
    assert again.files == replayed.files


def test_evidence_is_whole_and_shows_something(live: Product) -> None:
    wanted = 2 * len(live.outcome(CAMERA))
    rows = live.wait(
        "all evidence in the index",
        lambda: _at_least(
            live.rows("SELECT * FROM evidence WHERE camera = %s AND status = 'ok'", CAMERA), wanted
        ),
    )
    ends = live.ends
    store = Minio(
        re.sub("^https?://", "", ends.s3_url),
        access_key=ends.s3_access_key,
        secret_key=ends.s3_secret_key,
        secure=False,
    )
    for row in rows:
        with store.get_object(row["bucket"], row["object_key"]) as answer:
            data = answer.read()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert len(data) == row["size"]
        if row["kind"] == "snapshot":
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            assert picture is not None and picture.shape[:2] == (360, 480)
        else:
            with av.open(io.BytesIO(data), mode="r") as clip:
                pictures = len(list(clip.decode(video=0)))
            assert pictures >= 10
    assert {row["kind"] for row in rows} == {"snapshot", "clip"}


def test_tracks_are_documents_in_mongo(live: Product, replayed: Replayed) -> None:
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(live.ends.mongo_url)
    tracks = client.get_database("sightline")["tracks"]
    wanted = {track for event in replayed.events for track in event["tracks"]}
    found = live.wait(
        "the tracks of all events in Mongo",
        lambda: _at_least(
            list(tracks.find({"camera": CAMERA, "track_id": {"$in": list(wanted)}})), len(wanted)
        ),
    )
    for track in found:
        assert track["class_name"] == "person"
        assert 1 < len(track["path"]) <= 256
        assert track["started_at"] < track["ended_at"]


def test_explain_tells_the_whole_provenance(live: Product) -> None:
    event = live.outcome(CAMERA)[0]
    told = live.cli("events", "explain", event["event"])
    for word in (
        "frames[",
        "track",
        "sensor",
        "configuration version",
        "yolox",
        "moved",
        "verdict",
    ):
        assert word in told
    local = live.cli("events", "explain", event["event"], "--local")
    assert event["event"] in local and "frames[" in local


def test_the_site_knows_its_events_without_the_cloud(live: Product) -> None:
    printed = live.cli("events", "list", "--local", "--json", "--camera", CAMERA)
    local = {json.loads(line)["event_id"] for line in printed.splitlines()}
    assert local == {event["event"] for event in live.outcome(CAMERA)}


def _at_least(rows: list[Any], count: int) -> list[Any] | None:
    return rows if len(rows) >= count else None
