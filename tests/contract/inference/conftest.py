"""A real Kafka and a real Triton with both models, started once for these tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics
from schemas.topics import site_topics
from streams.inference.cards import included_card
from streams.inference.client import TritonClient
from streams.inference.repository import install, load
from tests.fixtures import fixture

SITE = "depot-7"
WEIGHTS = "models/yolox_nano.onnx"


@dataclass(frozen=True)
class Place:
    """Where the parts listen, and Triton's model folder."""

    kafka: str
    triton: str
    repository: Path
    stack: Stack


@pytest.fixture(scope="package")
def place() -> Iterator[Place]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-inference-"))
    data_dir.chmod(0o755)
    stack = Stack(StackConfig(data_dir=data_dir, parts=frozenset({"edge-kafka", "triton"})))
    stack.start()
    try:
        ends = stack.endpoints
        create_topics(ends.edge_kafka, site_topics(SITE))
        yield Place(ends.edge_kafka, ends.triton_grpc, data_dir / "models", stack)
    finally:
        stack.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="package")
def client(place: Place) -> Iterator[TritonClient]:
    """Triton with ``foreground`` loaded."""
    client = TritonClient(place.triton)
    version = install(
        place.repository, "foreground", None, included_card("foreground"), instances=2
    )
    load(client, place.repository, "foreground", version)
    yield client
    client.close()


@pytest.fixture(scope="package")
def with_yolox(client: TritonClient, place: Place) -> TritonClient:
    """Triton with ``yolox`` loaded too, or a skip where the weights are absent."""
    version = install(place.repository, "yolox", fixture(WEIGHTS), included_card("yolox"))
    load(client, place.repository, "yolox", version)
    return client
