"""A whole embedded stack, started once for these tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.process import session_of
from infra.local.stack import Stack, StackConfig


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-stack-"))
    data_dir.chmod(0o755)
    running = Stack(StackConfig(data_dir=data_dir))
    running.start()
    yield running
    leaders = [part.pid for part in running.record().parts.values() if part.pid]
    logs = "".join(path.read_text(errors="replace") for path in (data_dir / "logs").iterdir())
    secrets = running.record().secrets.values()
    running.stop()
    shutil.rmtree(data_dir)
    assert leaders and not any(session_of(pid) for pid in leaders), "the stop left processes"
    assert not [name for name in secrets if name in logs], "a log holds a secret"
