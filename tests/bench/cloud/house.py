"""The cloud's stores and processes on this machine, for measurements."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics
from infra.runtime.settings import Settings
from schemas.topics import cloud_topics
from tests.access_helpers import SECRET_KEY
from tests.bench.product import new_folder
from tests.fixtures import ROOT

START_S = 60.0


@contextmanager
def stores(*parts: str) -> Iterator[Settings]:
    """Run the named parts and yield what makes a process use them; tables and topics are made."""
    with stack_of(*parts) as (_, settings):
        yield settings


@contextmanager
def stack_of(*parts: str) -> Iterator[tuple[Stack, Settings]]:
    """Do as :func:`stores`, and yield the parts themselves too."""
    with new_folder() as folder:
        stack = Stack(StackConfig(data_dir=folder, parts=frozenset(parts)))
        stack.start()
        try:
            ends = stack.endpoints
            if "cloud-kafka" in parts:
                create_topics(ends.cloud_kafka, cloud_topics())
            migrate(ends.postgres_dsn)
            settings = Settings(
                cloud_kafka=ends.cloud_kafka,
                postgres_dsn=ends.postgres_dsn,
                mongo_url=ends.mongo_url,
                s3_url=ends.s3_url,
                s3_access_key=ends.s3_access_key,
                s3_secret_key=ends.s3_secret_key,
                secret_key=SECRET_KEY,
                data_dir=str(folder),
                listen=f"127.0.0.1:{_free_port()}",
            )
            yield stack, settings
        finally:
            stack.stop()


@contextmanager
def process(name: str, settings: Settings, answers: str) -> Iterator[psutil.Process]:
    """Run ``sightline run NAME`` until the block ends; it is up once the path ``answers``."""
    log = Path(settings.data_dir) / f"{name}.log"
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "infra.cli.main", "run", name],
            cwd=ROOT,
            env={**os.environ, **settings.environment()},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await(f"http://{settings.listen}{answers}", started, log)
        yield psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait(START_S)


def _await(url: str, started: subprocess.Popen[bytes], log: Path) -> None:
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s and started.poll() is None:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    sys.exit(f"{url} does not answer: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
