"""Installing MLServer on demand, and running it on free ports."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from infra.local.ports import HOST
from streams.inference.cards import included_card, read_card
from streams.inference.client import TritonClient
from streams.inference.configs import BACKGROUND, JPEG
from tests.fixtures import ROOT

LOCK = ROOT / "requirements" / "mlserver.txt"
HOME = ROOT / ".parts" / "mlserver"
_START_S = 60.0


def installed() -> Path:
    """Return MLServer's command, installed from its locked packages, or skip the test."""
    stamp, wanted = HOME / ".installed", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    HOME.parent.mkdir(exist_ok=True)
    with (HOME.parent / "mlserver.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != wanted:
            _install()
            stamp.write_text(wanted)
    return HOME / "bin" / "mlserver"


def _install() -> None:
    pip = [str(HOME / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(HOME)],
        [*pip, "--require-hashes", "-r", str(LOCK)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"MLServer cannot be installed: {done.stderr.strip()[-300:]}")


@contextmanager
def serving(folder: Path, models: Mapping[str, Path | None]) -> Iterator[str]:
    """Run MLServer with these models, each by the card of its name; give its gRPC address."""
    command = installed()
    grpc, http, metrics = _free_ports(3)
    ports = {"grpc_port": grpc, "http_port": http, "metrics_port": metrics}
    settings = {"host": HOST, "parallel_workers": 0, "debug": False, **ports}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    for name, weights in models.items():
        _put(folder / name, name, weights)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(command), "start", str(folder)], env=environment, stdout=log, stderr=log
        )
    try:
        _wait(server, f"{HOST}:{grpc}", models, folder / "log")
        yield f"{HOST}:{grpc}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _put(folder: Path, name: str, weights: Path | None) -> None:
    folder.mkdir()
    card = read_card(included_card(name), name)
    (folder / "card.json").write_text(json.dumps(asdict(card)), encoding="utf-8")
    inputs = (JPEG, BACKGROUND) if card.weightless else (JPEG,)
    settings = {
        "name": name,
        "implementation": "tests.contract.inference.mlserver_runtime.KitModel",
        "inputs": [{"name": one, "datatype": "BYTES", "shape": [-1, 1]} for one in inputs],
        "parameters": {
            "version": "1",
            "extra": {"card": str(folder / "card.json"), "weights": str(weights or "")},
        },
    }
    (folder / "model-settings.json").write_text(json.dumps(settings), encoding="utf-8")


def _wait(
    server: subprocess.Popen[bytes], url: str, models: Mapping[str, object], log: Path
) -> None:
    client = TritonClient(url)
    give_up = time.monotonic() + _START_S
    try:
        while not (client.ready() and all(client.versions(name) for name in models)):
            alive = server.poll() is None and time.monotonic() < give_up
            assert alive, log.read_text(encoding="utf-8")[-3000:]
            time.sleep(0.2)
    finally:
        client.close()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
