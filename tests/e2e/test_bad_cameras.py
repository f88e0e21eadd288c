"""Bad cameras beside a good one in the running product: each is told, and hurts nobody else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.runtime.kafka import read_all
from producers.tails import partition_of
from schemas.topics import cloud_topics, site_topics
from tests import pets
from tests.fixtures import FIXTURES, fixture
from tests.http_camera import HttpCamera, drawn
from tests.ipycam_process import onvif_camera
from tests.product import Product
from tests.replaying import epoch_of, replay
from tests.rtsp_server import HOST, RtspServer

GOOD = "bystander"
MODELLESS = "nomodel"
"""Its frames lie in the same partition as the good camera's."""
PICTURES = ("frames", "video", "recording")
PASSWORD = "correct-horse-7319"
SITE = f"""\
version: 1
site: {pets.SITE}
cameras:
  {GOOD}: {{source: {FIXTURES / pets.VIDEO}, pace: max}}
sensors:
  {GOOD}-line: {{camera: {GOOD}, kind: line, points: [[0.45, 0.24], [0.45, 0.6]]}}
rules:
  {GOOD}-crossing:
    when: {{sensor: {GOOD}-line, trigger: crossed}}
    group: {{by: track, within_s: 5}}
"""
WRONG = "battery-staple-2846"
SAYS = {
    "missing": ("there is no file", "check the path"),
    "indexless": ("cannot be read as video", "repair it or give another file"),
    "refusing": ("refuses the connection", "check the port, start the camera"),
    "silent": ("does not answer", "check its power and the network"),
    "locked": ("refuses the login", "check `username` and the password"),
    "page": ("sends text/html, neither JPEG pictures", "check the path"),
    "profileless": ("has no profile 7: there is 0", "say which by ?profile=N"),
    "unplugged": ("there is no camera /dev/video", "plug it in"),
    "keyless": ("needs a password", "NO_SUCH_VARIABLE"),
}
"""What the health of each bad camera says: what happened, and what to do."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """The bad cameras' ``source`` and ``credentials``."""
    folder = tmp_path_factory.mktemp("cameras")
    secret = folder / "password"
    secret.write_text(f"{WRONG}\n")
    right = folder / "right"
    right.write_text(f"{PASSWORD}\n")
    login = {"username": "viewer", "password_file": str(secret)}
    with (
        RtspServer({"gate": pets.video()}, password=PASSWORD) as server,
        HttpCamera(drawn(1)) as page,
        onvif_camera(PASSWORD, server.port) as device,
        socket.create_server((HOST, 0)) as silent,
        socket.socket() as closed,
    ):
        # Bound, but nobody listens there: refused for as long as this test runs.
        closed.bind((HOST, 0))
        address = server.address("gate")
        yield {
            "missing": {"source": str(folder / "missing.mp4")},
            "indexless": {"source": str(fixture("robustness/moov_missing.mp4"))},
            "refusing": {"source": f"rtsp://{HOST}:{closed.getsockname()[1]}/gate"},
            "silent": {"source": f"rtsp://{HOST}:{silent.getsockname()[1]}/gate"},
            "locked": {"source": address, "credentials": login},
            "page": {"source": page.address("/page")},
            "profileless": {
                "source": f"onvif://{device}?profile=7",
                "credentials": {"username": "viewer", "password_file": str(right)},
            },
            "unplugged": {"source": "usb:999"},
            "keyless": {
                "source": address,
                "credentials": {"username": "viewer", "password_env": "NO_SUCH_VARIABLE"},
            },
        }


@pytest.fixture(scope="module")
def parts_before(product: Product) -> dict[str, tuple[int | None, int]]:
    return _parts(product)


@pytest.fixture(scope="module")
def running(
    product: Product,
    sources: dict[str, dict[str, Any]],
    parts_before: dict[str, tuple[int | None, int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Product:
    """The product with one good camera, which has run to its end, among all the bad ones."""
    document = yaml.safe_load(SITE)
    document["cameras"] |= sources
    # Decodes for the most part, with a hole in the midst of it.
    document["cameras"]["holed"] = {"source": str(fixture("robustness/zeroed_64k_hole.mp4"))}
    document["cameras"][MODELLESS] = {
        "source": str(fixture("robustness/one_fps.mp4")),
        "model": "nobody-s",
    }
    product.apply(yaml.safe_dump(document), tmp_path_factory.mktemp("site"))
    product.finish(GOOD)
    return product


def test_the_good_camera_has_the_events_it_has_alone(running: Product, tmp_path: Path) -> None:
    alone = replay(SITE, GOOD, epoch_of(running, GOOD), tmp_path, model="foreground")
    assert alone.events, "the footage has events"
    assert running.outcome(GOOD) == alone.events


@pytest.mark.parametrize("camera", SAYS)
def test_a_bad_camera_says_what_where_and_what_to_do(
    running: Product, sources: dict[str, dict[str, Any]], camera: str
) -> None:
    what, cure = SAYS[camera]
    rows = running.wait(
        f"{camera} is offline in Postgres",
        lambda: running.rows(
            "SELECT reason FROM health WHERE name = %s AND state = 'offline'", camera
        ),
    )
    (reason,) = (row["reason"] for row in rows)
    assert what in reason and cure in reason
    address = sources[camera]["source"].partition("?")[0].replace("usb:", "/dev/video")
    assert address in reason
    assert len(reason.splitlines()) == 1


def test_of_a_damaged_file_what_can_be_decoded_is_used(running: Product) -> None:
    (row,) = running.rows("SELECT state, frames FROM health WHERE right(health_id, 6) = '/holed'")
    assert row["state"] in ("online", "ended") and row["frames"] > 0


def test_a_model_that_nobody_serves_is_named(running: Product) -> None:
    assert partition_of(GOOD.encode(), 12) == partition_of(MODELLESS.encode(), 12)
    told = running.cli("logs", "detect", "--lines", "1000")
    assert "does not serve nobody-s" in told and "sightline models import" in told


def test_no_password_is_in_a_log_a_topic_or_the_database(running: Product) -> None:
    secrets = (PASSWORD.encode(), WRONG.encode())
    for log in (running.platform.data_dir / "logs").iterdir():
        assert not any(secret in log.read_bytes() for secret in secrets), log
    for bootstrap, topics in (
        (running.ends.edge_kafka, site_topics(pets.SITE)),
        (running.ends.cloud_kafka, cloud_topics(pets.SITE)),
    ):
        # Pictures hold no text, and there are gigabytes of them.
        for topic in (topic for topic in topics if topic.name not in PICTURES):
            for message in read_all(bootstrap, topic.name):
                assert not any(secret in (message.value or b"") for secret in secrets), topic.name
    for table in ("health", "receipts"):
        shown = str(running.rows(f"SELECT * FROM {table}"))
        assert PASSWORD not in shown and WRONG not in shown


def test_no_part_was_started_again(
    running: Product, parts_before: dict[str, tuple[int | None, int]]
) -> None:
    assert _parts(running) == parts_before


def test_weights_that_are_not_onnx_change_nothing(running: Product, tmp_path: Path) -> None:
    weights = tmp_path / "weights.onnx"
    weights.write_text("these are no weights")
    before = running.cli("models", "list")
    assert running.cli("models", "import", str(weights), "--as", "yolox", code=1) == ""
    assert running.cli("models", "list") == before


def test_a_faulty_site_file_changes_nothing(running: Product, tmp_path: Path) -> None:
    faulty = tmp_path / "site.yaml"
    faulty.write_text(f"version: 1\nsite: {pets.SITE}\ncameras: {{gate: {{fps: -3}}}}\n")
    query = "SELECT config_version FROM receipts ORDER BY config_version DESC LIMIT 1"
    before = running.rows(query)
    running.cli("config", "apply", str(faulty), code=2)
    assert running.rows(query) == before


def test_the_tables_may_be_brought_up_to_date_again(running: Product) -> None:
    assert "up to date" in running.cli("migrate")


def _parts(product: Product) -> dict[str, tuple[int | None, int]]:
    return {name: (part.pid, part.restarts) for name, part in product.stack.record().parts.items()}
