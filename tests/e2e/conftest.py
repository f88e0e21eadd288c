"""The whole product, started once for all end-to-end tests: real parts, our own processes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.cli.connection import models_folder
from infra.cli.models import import_into
from infra.cli.platform import Platform
from infra.local.stack import Stack, StackConfig
from tests.e2e import pets
from tests.e2e.product import Product


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """Edge and cloud with every process of ours, for the site of the PETS footage."""
    weights = pets.model_file()
    # Not pytest's folder: that is closed to the user that Postgres runs as.
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-e2e-"))
    data_dir.chmod(0o755)
    stack = Stack(StackConfig(data_dir=data_dir, model_repository=models_folder(data_dir)))
    try:
        stack.start()
        platform = Platform(stack, data_dir, pets.SITE)
        platform.start(lambda _name, _state, _seconds: None)
        import_into(platform.settings, "yolox", weights, "yolox")
        yield Product(platform)
    finally:
        stack.stop()
        shutil.rmtree(data_dir, ignore_errors=True)
