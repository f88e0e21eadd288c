"""A model published in the cloud: down to the site, under a running camera, and its receipt up."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from infra.cli.rollout import EXIT_STOPPED
from schemas.records import Detections, Look
from tests import pets
from tests.product import Product

CAMERA, MODEL = "rolling", "published"
ENOUGH = 10


def site_text() -> str:
    """The footage again and again, at its own pace, seen by a model that is published."""
    document = yaml.safe_load(pets.site_yaml({CAMERA: "real"}))
    document["cameras"][CAMERA] |= {"model": MODEL, "loop": True}
    return yaml.safe_dump(document, sort_keys=False)


def looks(product: Product) -> list[Look]:
    """Return what became of every look of the model, partition by partition."""
    return [
        look
        for record in product.records("detections", Detections)
        for reading in record.readings
        for look in reading.looks
        if look.model == MODEL
    ]


def unanswered(product: Product) -> set[str | None]:
    """Return why looks came to nothing, but for those that a busy machine had no time for."""
    reasons = {look.reason for look in looks(product) if look.outcome != "ok"}
    return reasons - {"overload"}


def versions(product: Product) -> list[str]:
    """Return the versions that answered, in order."""
    return [look.model_version for look in looks(product) if look.outcome == "ok"]


def publish(product: Product, folder: Path, min_score: float, *words: str, code: int = 0) -> str:
    card = folder / "card.yaml"
    card.write_text(f"min_score: {min_score}\n")
    return product.cli(
        *("models", "publish", str(pets.model_file()), "--as", MODEL, "--format", "yolox"),
        *("--card", str(card), "--wait", "4m", *words),
        code=code,
    )


def receipt(product: Product) -> dict[str, str]:
    """Return what Postgres knows of the model at the site."""
    (row,) = product.rows(
        "SELECT status, config_version, details_json->>'state' AS state,"
        " details_json->'running'->>'release' AS running, details_json->>'wanted' AS wanted"
        " FROM receipts WHERE receipt_id = %s",
        f"{pets.SITE}/model/{MODEL}",
    )
    return row


@pytest.fixture
def running(product: Product, tmp_path: Path) -> Product:
    """The first version is published, and a camera's frames go through it."""
    publish(product, tmp_path, 0.1, "--site", pets.SITE)
    product.apply(site_text(), tmp_path)
    product.wait("frames are answered", lambda: len(versions(product)) >= ENOUGH)
    return product


def test_versions_change_under_a_running_camera(running: Product, tmp_path: Path) -> None:
    first = versions(running)[-1]
    publish(running, tmp_path, 0.12, "--all", "--max-missing", "0.1", "--max-score-change", "0.01")
    second = str(int(first) + 1)
    running.wait("the new version answers", lambda: versions(running).count(second) >= ENOUGH)
    assert unanswered(running) == set(), "no frame failed"
    answered = versions(running)
    change = answered.index(second)
    assert set(answered[:change]) == {first} and set(answered[change:]) == {second}

    def told() -> bool:
        row = receipt(running)
        return row["state"] == "applied" and row["running"] == row["wanted"]

    running.wait("the cloud's Postgres has the receipt", told)

    # An address at which nobody is.
    elsewhere = "http://127.0.0.1:1/weights.onnx"
    stopped = publish(
        *(running, tmp_path, 0.15, "--site", pets.SITE, "--address", elsewhere),
        *("--wait", "5s", "--rollback-on-failure"),
        code=EXIT_STOPPED,
    )
    assert "put back" in stopped
    running.wait("the version before goes on", told)
    assert versions(running)[-1] == second and unanswered(running) == set()
