"""Settings of all tests, and the running product that end-to-end and chaos tests share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import pets
from tests.product import Product

# No property test may fail because the machine is slow.
settings.register_profile(
    "sightline",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("sightline")


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """Edge and cloud with every process of ours, for the site of the PETS footage."""
    weights = pets.model_file()
    # Not pytest's folder: that is closed to the user that Postgres runs as.
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-test-"))
    data_dir.chmod(0o755)
    running = Product.start(data_dir, pets.SITE, weights)
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(data_dir, ignore_errors=True)
