"""Several models on a camera on a real Kafka and a real Triton: what replay says, kills or not."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest

from infra.runtime.kafka import RecordProducer
from producers.frames import frames_of
from schemas.records import AppliedConfig, Frame, Reading
from schemas.site import Camera, parse
from streams.inference.cards import included_card
from streams.inference.choosing import uses_in
from streams.inference.client import TritonClient
from streams.inference.local import LocalModel
from streams.inference.offline import readings_of
from streams.inference.repository import install, load, local_model
from tests.contract.inference.conftest import SITE, WEIGHTS, Place
from tests.contract.inference.test_detect import COMMAND, running, send, settings, until
from tests.fixtures import ROOT, fixture
from tests.pets import VIDEO

VERSION = 12
EPOCH_AT = 1_700_000_000_000
FRAMES = 120
CAMERAS = {
    "two": "{foreground: {fps: 5}, yolox: {fps: 1, classes: [person]}}",
    "killed-two": "{foreground: {fps: 5}, yolox: {fps: 1, classes: [person]}}",
    "slow": "{yolox: {fps: 0.5}}",
    "half": "{nobody: {fps: 1}, foreground: {}}",
    "staged": "{closer: {fps: 1, classes: [person]}, yolox: {fps: 1}}",
}
SITE_TEXT = f"version: 1\nsite: {SITE}\ncameras:\n" + "".join(
    f"  {name}: {{source: a.mp4, pace: max, models: {models}}}\n"
    for name, models in CAMERAS.items()
)


@pytest.fixture(scope="module")
def cameras(place: Place, with_yolox: TritonClient) -> Mapping[str, Camera]:
    """The site's cameras, its configuration having reached the site's topic."""
    applied = AppliedConfig(
        config_version=VERSION, site=SITE, document="s", body=SITE_TEXT, sha256="", accepted_at=0
    )
    producer = RecordProducer(place.kafka, "test")
    producer.send("config", applied, key=str(VERSION))
    producer.flush()
    return parse(SITE_TEXT).cameras


@pytest.fixture(scope="module")
def closer(place: Place, with_yolox: TritonClient) -> LocalModel:
    """The detector once more, as a model that looks at cut-outs."""
    card = included_card("yolox") + "\nstage: crop\n"
    version = install(place.repository, "closer", fixture(WEIGHTS), card)
    load(with_yolox, place.repository, "closer", version)
    return local_model(place.repository, "closer")


def shown(name: str, camera: Camera, count: int = FRAMES) -> list[Frame]:
    frames = frames_of(
        fixture(VIDEO),
        camera,
        site=SITE,
        name=name,
        start_at=EPOCH_AT,
        config_version=VERSION,
    )
    return list(itertools.islice(frames, count))


def replayed(camera: Camera, frames: list[Frame], *more: LocalModel) -> list[Reading]:
    models = [LocalModel("foreground"), LocalModel("yolox", fixture(WEIGHTS)), *more]
    return list(readings_of(frames, uses_in(camera), {model.name: model for model in models}))


def without_offsets(readings: list[Reading]) -> list[Reading]:
    return [replace(reading, offset=-1) for reading in readings]


def live(place: Place, name: str, frames: list[Frame]) -> list[Reading]:
    send(place, list(frames))
    with running(place):
        return until(place, name, lambda so_far: len(so_far) >= len(frames))


def test_live_says_what_replay_says(place: Place, cameras: Mapping[str, Camera]) -> None:
    frames = shown("two", cameras["two"])
    found = live(place, "two", frames)
    assert without_offsets(found) == without_offsets(replayed(cameras["two"], frames))
    looks = [tuple(look.model for look in one.looks) for one in found]
    assert looks.count(("foreground", "yolox")) == FRAMES // 5
    assert looks.count(("foreground",)) == FRAMES - FRAMES // 5
    assert {"object", "person"} <= {label for one in found for label in one.labels}


def test_kills_at_any_moment_change_no_reading(place: Place, cameras: Mapping[str, Camera]) -> None:
    frames = shown("killed-two", cameras["killed-two"])
    environment = {**os.environ, **settings(place).environment(), "PYTHONPATH": str(ROOT)}
    # Parts that end within a second of the scene: a look too many or too few would show.
    for part, wanted in ((frames[:33], 1), (frames[33:71], 50), (frames[71:], FRAMES)):
        send(place, list(part))
        process = subprocess.Popen([sys.executable, "-c", COMMAND], env=environment, cwd=ROOT)
        try:
            found = until(place, "killed-two", lambda so_far, n=wanted: len(so_far) >= n)  # type: ignore[misc]
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(30)
    expected = replayed(cameras["killed-two"], frames)
    assert without_offsets(found) == without_offsets(expected)


def test_frames_between_the_looks_of_a_slow_model_say_so(
    place: Place, cameras: Mapping[str, Camera]
) -> None:
    frames = shown("slow", cameras["slow"], 25)
    found = live(place, "slow", frames)
    assert without_offsets(found) == without_offsets(replayed(cameras["slow"], frames))
    said = [(one.outcome, one.reason) for one in found]
    assert [index for index, one in enumerate(said) if one == ("ok", None)] == [0, 10, 20]
    assert set(said) == {("ok", None), ("dropped", "not-due")}


def test_a_model_that_is_missing_takes_nothing_from_the_other(
    place: Place, cameras: Mapping[str, Camera]
) -> None:
    frames = shown("half", cameras["half"], 12)
    found = live(place, "half", frames)
    assert {one.outcome for one in found} == {"ok"}
    said = [[(look.model, look.outcome, look.reason) for look in one.looks] for one in found]
    seen = ("foreground", "ok", None)
    missing = ("nobody", "failed", "model-missing")
    assert said == [[missing, seen] if index % 5 == 0 else [seen] for index in range(12)]


def test_a_second_stage_tells_more_of_what_the_first_found(
    place: Place, cameras: Mapping[str, Camera], closer: LocalModel
) -> None:
    frames = shown("staged", cameras["staged"], 25)
    found = live(place, "staged", frames)
    assert without_offsets(found) == without_offsets(replayed(cameras["staged"], frames, closer))
    told = [one for one in found if one.attributes]
    assert [one.seq for one in told] == [0, 5, 10, 15, 20]
    for one in told:
        assert [look.model for look in one.looks] == ["yolox", "closer"]
        assert one.looks[1].objects == 0 and len(one.attributes) == len(one.scores)
        for label, text in zip(one.labels, one.attributes, strict=True):
            assert label == "person" or json.loads(text) == {}
    attributes = [json.loads(text) for one in told for text in one.attributes]
    sure = [a for a in attributes if a.get("closer", {}).get("person", 0) > 0.5]
    assert len(sure) > 10
