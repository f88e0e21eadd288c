"""The product on top of the real parts: topics, tables, connectors, models, our own processes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from connect import connectors
from consumers.store.migrate import migrate
from consumers.store.owning import adopt
from infra.cli.connection import check_owner, models_folder, settings_of
from infra.local.connectors import apply_all
from infra.local.service import ServiceSpec
from infra.local.stack import Stack
from infra.local.supervisor import Progress
from infra.runtime.kafka import create_topics
from infra.runtime.settings import Settings
from schemas.errors import Rejected
from schemas.topics import cloud_topics, site_topics
from streams.inference.cards import included_card
from streams.inference.client import TritonClient
from streams.inference.repository import install, installed, serve

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas" / "avro"
FOREGROUND = "foreground"
_LOG = logging.getLogger(__name__)

_EDGE, _CLOUD = ("edge-kafka",), ("cloud-kafka",)
_STORES = ("postgres", "mongo", "seaweedfs")
SERVICES = (
    ServiceSpec("agent", ("run", "agent"), needs=_EDGE),
    ServiceSpec("capture", ("run", "capture"), needs=_EDGE),
    ServiceSpec("detect", ("run", "detect"), needs=(*_EDGE, "triton")),
    ServiceSpec("updates", ("run", "updates"), needs=(*_EDGE, "triton")),
    ServiceSpec("streams", ("run", "streams"), needs=_EDGE),
    ServiceSpec("evidence", ("run", "evidence"), needs=_EDGE),
    ServiceSpec(
        "evidence-sink", ("run", "evidence-sink"), needs=(*_CLOUD, "postgres", "seaweedfs")
    ),
    ServiceSpec("cloud", ("run", "cloud"), needs=(*_CLOUD, *_STORES)),
)


@dataclass(frozen=True)
class Platform:
    """A running stack that belongs to one site."""

    stack: Stack
    data_dir: Path
    site: str

    @property
    def settings(self) -> Settings:
        """What makes a process use this stack."""
        return settings_of(self.stack.endpoints, self.data_dir, self.site)

    def start(self, report: Progress, *, without: frozenset[str] = frozenset()) -> None:
        """Create topics, tables and connectors, load the models, start our own processes.

        Safe to repeat on the same data; ``without`` names processes that are not wanted.

        Raises:
            Fatal: a part refuses, a process does not start, or the data is another site's.
        """
        claim(self.data_dir, self.site)
        environment = self.settings.environment()
        specs = [s.with_environment(environment) for s in SERVICES if s.name not in without]
        with ThreadPoolExecutor() as pool:
            for step in (
                pool.submit(timed, report, "topics", self._create_topics),
                pool.submit(timed, report, "tables", self._make_tables),
                pool.submit(timed, report, "models", self._serve_models),
            ):
                step.result()
            connected = pool.submit(timed, report, "connectors", self._connect)
            self.stack.start_services(specs, report)
            connected.result()

    def _make_tables(self) -> None:
        dsn = self.stack.endpoints.postgres_dsn
        migrate(dsn)
        adopt(dsn, self.site)

    def _create_topics(self) -> None:
        ends = self.stack.endpoints
        create_topics(ends.edge_kafka, site_topics(self.site))
        create_topics(ends.cloud_kafka, cloud_topics(self.site))

    def _serve_models(self) -> None:
        repository = models_folder(self.data_dir)
        install(repository, FOREGROUND, None, included_card(FOREGROUND))
        client = TritonClient(self.stack.endpoints.triton_grpc)
        try:
            for name, version in installed(repository).items():
                try:
                    serve(client, name, version)
                except Rejected as error:
                    if name == FOREGROUND:
                        raise
                    # The site starts without it; the next start tries again.
                    _LOG.warning("%s", error)
        finally:
            client.close()

    def _connect(self) -> None:
        ends = self.stack.endpoints
        apply_all(
            ends.edge_connect,
            {
                "mirror-up": connectors.mirror_up(ends.edge_kafka, ends.cloud_kafka),
                "mirror-down": connectors.mirror_down(ends.edge_kafka, ends.cloud_kafka, self.site),
            },
        )
        sinks = [
            *connectors.jdbc_sinks(ends.postgres_dsn, SCHEMAS),
            connectors.mongo_sink(ends.mongo_url, SCHEMAS),
        ]
        apply_all(ends.cloud_connect, {sink.name: sink.config for sink in sinks})


def timed(report: Progress, name: str, step: Callable[[], object]) -> None:
    """Run one step and report its beginning, its end and the seconds that it took."""
    report(name, "preparing", 0.0)
    began = time.monotonic()
    step()
    report(name, "ready", time.monotonic() - began)


def claim(data_dir: Path, site: str) -> None:
    """Record that the data here belongs to ``site``.

    Raises:
        Fatal: it belongs to another site, whose state would be mixed with this one's.
    """
    check_owner(data_dir, site)
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "site").write_text(f"{site}\n", encoding="utf-8")
