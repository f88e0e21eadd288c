"""Two models on one camera through the whole product: events equal to replay, names and all."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests import pets
from tests.product import Product
from tests.replaying import epoch_of, replay

CAMERA = "duo"


def site_text() -> str:
    """The footage seen five times a second by one model, and once by one that knows persons."""
    document = yaml.safe_load(pets.site_yaml({CAMERA: "max"}))
    camera = document["cameras"][CAMERA]
    del camera["model"], camera["classes"]
    camera["models"] = {"foreground": {"fps": 5}, "yolox": {"fps": 1, "classes": ["person"]}}
    return yaml.safe_dump(document, sort_keys=False)


@pytest.fixture(scope="module")
def live(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """The footage has run through the product, and all of its events are closed in Postgres."""
    product.apply(site_text(), tmp_path_factory.mktemp("live"))
    product.finish(CAMERA)
    return product


def test_replay_gives_the_events_of_the_live_run(live: Product, tmp_path: Path) -> None:
    replayed = replay(site_text(), CAMERA, epoch_of(live, CAMERA), tmp_path, model=None)
    assert live.outcome(CAMERA) == replayed.events
    assert live.verdicts(CAMERA) == replayed.verdicts
    assert len(replayed.events) > 15


def test_an_event_tells_the_model_that_named_its_object(live: Product) -> None:
    events = live.events(CAMERA)
    assert {(event["model"], event["model_version"]) for event in events} == {("yolox", "1")}
    explained = live.cli("events", "explain", events[0]["event_id"])
    assert "detections by yolox version 1" in explained and "(person)" in explained
