"""Installing MLServer on demand, and running it on free ports."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from infra.local.ports import HOST
from streams.inference.cards import included_card, read_card
from streams.inference.client import TritonClient
from streams.inference.configs import BACKGROUND, JPEG
from tests.fixtures import ROOT
from tests.on_demand import environment, installed

_START_S = 60.0


@contextmanager
def serving(folder: Path, models: Mapping[str, Path | None]) -> Iterator[str]:
    """Run MLServer with these models, each by the card of its name; give its gRPC address."""
    command = installed("mlserver", environment) / "bin" / "mlserver"
    grpc, http, metrics = _free_ports(3)
    ports = {"grpc_port": grpc, "http_port": http, "metrics_port": metrics}
    settings = {"host": HOST, "parallel_workers": 0, "debug": False, **ports}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    for name, weights in models.items():
        _put(folder / name, name, weights)
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(command), "start", str(folder)], env=variables, stdout=log, stderr=log
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
