"""The ``models`` commands on a real Triton, from a file or an address to boxes and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from infra.cli.main import build
from infra.runtime.settings import Settings
from schemas.errors import SightlineError
from streams.inference.client import TritonClient
from tests.contract.inference.conftest import WEIGHTS, Place
from tests.fixtures import fixture
from tests.unit.streams.inference import scenes
from tests.unit.triton_models.networks import constant


@dataclass(frozen=True)
class Ran:
    """What a command printed, and the line of its error."""

    stdout: str
    stderr: str


Command = Callable[..., Ran]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def models(client: TritonClient, place: Place, tmp_path: Path) -> Command:
    """``sightline models`` for the running Triton; ``code`` is the exit code that is expected."""
    parts = Settings(
        edge_kafka=place.kafka, triton_grpc=place.triton, model_repository=str(place.repository)
    )
    settings = {**parts.environment(), "COLUMNS": "200"}

    def run(*arguments: object, code: int = 0) -> Ran:
        result = CliRunner().invoke(build("models"), ["models", *map(str, arguments)], env=settings)
        assert (result.exit_code, isinstance(result.exception, SightlineError)) == (
            code,
            bool(code),
        ), repr(result.exception)
        return Ran(result.stdout, str(result.exception or ""))

    return run


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    finished = np.zeros((300, 6), np.float32)
    finished[0] = 0, 16, 32, 48, 0.9, 1
    names = json.dumps(["person", "car"])
    return constant(tmp_path / "small.onnx", [finished], metadata={"names": names})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web server of the files in ``tmp_path``."""
    handler = partial(Quiet, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_detector_is_added_asked_changed_and_rolled_back(
    models: Command, detector: Path, tmp_path: Path
) -> None:
    added = models("import", detector, "--as", "small", "--format", "yolo").stdout
    assert "Triton serves small version 1: yolo, 64x64, 2 classes from 'person' to 'car'" in added
    assert "licence" in added
    assert "decoding: yolo" in models("show", "small").stdout
    (tmp_path / "ground.png").write_bytes(cv2.imencode(".png", scenes.ground())[1].tobytes())
    drawn = tmp_path / "drawn.jpg"
    asked = models("test", "small", tmp_path / "ground.png", "--out", drawn).stdout
    assert "small version 1 found 1 objects" in asked and drawn.is_file()
    (row,) = [line.split() for line in asked.splitlines() if line.strip().startswith("car")]
    assert row == ["car", "0.90", "0", "10", "160", "170"]

    again = ("import", detector, "--as", "small", "--format", "yolo", "--licence", "MIT")
    assert "version 2" in models(*again).stdout
    assert "version 2" in models(*again).stdout, "the same again is no new version"
    assert "serves small version 1 again" in models("rollback", "small").stdout
    listed = models("list").stdout
    (row,) = [line.split() for line in listed.splitlines() if line.strip().startswith("small")]
    assert row[:5] == ["small", "1", "1", "1,", "2"] and "NOASSERTION" in row
    refused = models("rollback", "small", code=1).stderr
    assert "no version of small to go back to" in refused and len(refused.splitlines()) == 1


def test_a_detector_is_pulled_from_an_address(
    models: Command, detector: Path, site: str, tmp_path: Path
) -> None:
    address, digest = f"{site}/{detector.name}", sha256(detector.read_bytes()).hexdigest()
    said = ("--as", "pulled", "--format", "yolo")
    assert "--sha256" in models("pull", address, *said, code=1).stderr
    refused = models("pull", address, "--sha256", "0" * 64, *said, code=1).stderr
    assert f"has SHA-256 {digest}" in refused and len(refused.splitlines()) == 1
    assert "pulled" not in models("list").stdout
    pulled = models("pull", address, "--sha256", digest, *said).stdout
    assert "Triton serves pulled version 1" in pulled
    away = models("pull", "http://127.0.0.1:9/m.onnx", "--sha256", digest, *said, code=1).stderr
    assert "sightline models import" in away and len(away.splitlines()) == 1
    assert "the catalogue has no 'nobody'" in models("pull", "nobody", code=1).stderr


def test_a_bad_file_changes_nothing(models: Command, tmp_path: Path, detector: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    before = models("list").stdout
    for file, kind, said in (
        (tmp_path / "bad.onnx", "yolo", "is not a model that runs"),
        (detector, "fastestdet", "the format fastestdet wants one output"),
        (tmp_path / "absent.onnx", "yolo", "is not there"),
    ):
        refused = models("import", file, "--as", "bad", "--format", kind, code=1).stderr
        assert said in refused and len(refused.splitlines()) == 1
    assert models("list").stdout == before


def test_a_served_model_is_exported(models: Command, detector: Path, tmp_path: Path) -> None:
    models("import", detector, "--as", "export-me", "--format", "yolo")
    out = tmp_path / "out"
    told = models("export", "export-me", out, "--target", "stock", "--tensorrt", "fp16").stdout
    assert "export-me_network" in told
    assert {path.parent.name for path in out.glob("*/config.pbtxt")} == {
        *("export-me", "export-me_decode", "export-me_network", "export-me_boxes")
    }
    assert "is not empty" in models("export", "export-me", out, code=1).stderr
    assert "not in" in models("export", "nobody", tmp_path / "new", code=1).stderr


def test_a_file_of_the_catalogue_needs_no_word(models: Command, tmp_path: Path) -> None:
    added = models("import", fixture(WEIGHTS), "--as", "known").stdout
    assert "yolox, 416x416, 80 classes from 'person' to 'toothbrush'" in added
    assert "licence" not in added
