"""A broker with a site's topics, shared by the tests of this folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics
from schemas.topics import site_topics

SITE = "depot-7"


@pytest.fixture(scope="package")
def kafka() -> Iterator[str]:
    """Yield the address of a fresh broker."""
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-runtime-"))
    stack = Stack(StackConfig(data_dir=data_dir, parts=frozenset({"edge-kafka"})))
    stack.start()
    try:
        create_topics(stack.endpoints.edge_kafka, site_topics(SITE))
        yield stack.endpoints.edge_kafka
    finally:
        stack.stop()
        shutil.rmtree(data_dir)
