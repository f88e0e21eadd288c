"""The running product as a test sees it: its command line, its stores, its faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from infra.cli.connection import models_folder
from infra.cli.models_import import import_into
from infra.cli.platform import Platform
from infra.local.stack import Stack, StackConfig
from infra.local.state import Endpoints
from infra.runtime.kafka import read_all
from schemas.codec import decode
from schemas.errors import Rejected
from tests.fixtures import ROOT

T = TypeVar("T")
WAIT_S = 240.0


class Product:
    """Edge and cloud on this machine, driven through ``sightline``."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.stack = platform.stack

    @classmethod
    def start(cls, data_dir: Path, site: str, weights: Path) -> Product:
        """Start everything for a site, with YOLOX served."""
        stack = Stack(StackConfig(data_dir=data_dir, model_repository=models_folder(data_dir)))
        platform = Platform(stack, data_dir, site)

        def on_top() -> None:
            platform.start(lambda _name, _state, _seconds: None)
            import_into(platform.settings, "yolox", weights, "yolox")

        stack.start(then=on_top)
        return cls(platform)

    def stop(self) -> None:
        """Stop everything."""
        self.stack.stop()

    @property
    def ends(self) -> Endpoints:
        """Where the parts listen."""
        return self.stack.endpoints

    def cli(self, *arguments: str, code: int = 0) -> str:
        """Run ``sightline`` against this product and return what it prints."""
        done = run_cli(*arguments, data_dir=self.platform.data_dir)
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def apply(self, text: str, folder: Path, *, local: bool = False) -> None:
        """Apply a configuration through the command line."""
        path = folder / "site.yaml"
        path.write_text(text)
        self.cli("config", "apply", str(path), *(["--local"] if local else []))

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Ask the cloud's Postgres."""
        with psycopg.connect(self.ends.postgres_dsn, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def events(self, camera: str) -> list[dict[str, Any]]:
        """Return a camera's events as the command line prints them, newest first."""
        printed = self.cli("events", "list", "--camera", camera, "--json", "--limit", "10000")
        return [json.loads(line) for line in printed.splitlines()]

    def local_events(self, camera: str) -> list[dict[str, Any]]:
        """Return a camera's events as the site itself knows them."""
        printed = self.cli("events", "list", "--local", "--camera", camera, "--json")
        return [json.loads(line) for line in printed.splitlines()]

    def outcome(self, camera: str) -> list[dict[str, Any]]:
        """Return a camera's events as they stand in Postgres, in the form of ``Replayed.events``."""
        events = [
            {
                "event": row["event_id"],
                "state": row["state"],
                "revision": row["revision"],
                "rule": row["rule"],
                "triggers": row["triggers"],
                "tracks": row["tracks"],
                "verdict": row["verdict"],
                "score": round(row["score"], 6),
            }
            for row in self.events(camera)
        ]
        return sorted(events, key=lambda event: str(event["event"]))

    def verdicts(self, camera: str) -> dict[str, str]:
        """Return the verdicts on a camera's candidates by candidate id."""
        rows = self.rows("SELECT candidate_id, verdict FROM verdicts WHERE camera = %s", camera)
        return {row["candidate_id"]: row["verdict"] for row in rows}

    def records(self, topic: str, kind: type[T]) -> list[T]:
        """Return the site's records of a topic; poison of other tests stands there too."""
        found: list[T] = []
        for message in read_all(self.ends.edge_kafka, topic):
            try:
                record = decode(message.value)
            except Rejected:
                continue
            if isinstance(record, kind):
                found.append(record)
        return found

    def finish(self, camera: str) -> None:
        """Wait until a camera's footage has ended and nothing of it is open any more."""
        self.wait(
            f"the footage of {camera} has ended",
            lambda: self.rows(
                "SELECT 1 FROM health WHERE name = %s AND kind = 'camera' AND state = 'ended'",
                camera,
            ),
        )

        def settled() -> bool:
            states = [row["state"] for row in self.events(camera)]
            return bool(states) and set(states) == {"closed"}

        self.wait(f"all events of {camera} are closed", settled)

    def wait(self, what: str, look: Callable[[], T | None], within_s: float = WAIT_S) -> T:
        """Wait until ``look`` returns something true."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(0.5)
        raise AssertionError(f"{what}: not within {within_s:g} s\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the ends of our processes' logs, for a failed test."""
        logs = sorted((self.platform.data_dir / "logs").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text()[-1500:]}" for log in logs)


def run_cli(
    *arguments: str, data_dir: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``sightline`` as a user would; ``data_dir`` goes to the commands that take one."""
    environment = {**os.environ, **(env or {})}
    if data_dir is not None:
        environment["SIGHTLINE_HOME"] = str(data_dir)
    return subprocess.run(
        [sys.executable, "-m", "infra.cli.main", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
