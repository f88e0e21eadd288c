"""A Kafka Connect worker; one at the site for MirrorMaker, one in the cloud for the sinks."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import httpx

from infra.local.jvm import KAFKA, Jvm
from infra.local.kafka import MAX_RECORD_BYTES, write_properties
from infra.local.part import Part
from infra.local.ports import HOST

HEAP_MIB = 320
PORTS = ("rest",)
_BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
_LOG = logging.getLogger(__name__)
_RESTART_AGAIN_FIRST_S = 5.0
_RESTART_AGAIN_LAST_S = 60.0


def properties(name: str, bootstrap: str, rest: int, plugins: Path | None) -> dict[str, str]:
    """Return the worker's configuration; its topics are named after it."""
    values = {
        "bootstrap.servers": bootstrap,
        "group.id": f"sightline-{name}",
        "listeners": f"http://{HOST}:{rest}",
        "rest.advertised.host.name": HOST,
        "rest.advertised.port": str(rest),
        "key.converter": _BYTES,
        "value.converter": _BYTES,
        "header.converter": _BYTES,
        "offset.storage.partitions": "4",
        "status.storage.partitions": "1",
        "offset.flush.interval.ms": "1000",
        "connector.client.config.override.policy": "All",
        "scheduled.rebalance.max.delay.ms": "0",
        "plugin.discovery": "service_load",
        "producer.max.request.size": str(MAX_RECORD_BYTES),
        "consumer.fetch.max.bytes": str(16 * 1024 * 1024),
    }
    for kind in ("config", "offset", "status"):
        values[f"{kind}.storage.topic"] = f"connect.{name}.{kind}"
        values[f"{kind}.storage.replication.factor"] = "1"
    if plugins is not None:
        values["plugin.path"] = str(plugins)
    return values


def failed_of(status: dict[str, Any]) -> list[str]:
    """Return the connectors of ``GET /connectors?expand=status`` of which something has failed.

    >>> failed_of({"a": {"status": {"connector": {"state": "RUNNING"},
    ...     "tasks": [{"state": "FAILED"}]}}})
    ['a']
    """
    return sorted(
        name
        for name, info in status.items()
        if any(
            piece.get("state") == "FAILED"
            for piece in (info["status"]["connector"], *info["status"]["tasks"])
        )
    )


class TaskWatchdog:
    """Restarts failed connectors and tasks through the worker's REST interface, with back-off."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._delay_s: dict[str, float] = {}
        self._next: dict[str, float] = {}

    def __call__(self) -> None:
        """Look once. Raises httpx.HTTPError when the worker does not answer."""
        answer = httpx.get(f"{self._url}/connectors", params={"expand": "status"}, timeout=3.0)
        answer.raise_for_status()
        status = answer.json()
        failed = failed_of(status)
        now = time.monotonic()
        for name in set(status) - set(failed):
            if now > self._next.get(name, 0.0) + _RESTART_AGAIN_LAST_S:
                self._delay_s.pop(name, None)
        for name in failed:
            if now >= self._next.get(name, 0.0):
                delay_s = min(self._delay_s.get(name, 0.0) * 2, _RESTART_AGAIN_LAST_S)
                self._delay_s[name] = delay_s = max(delay_s, _RESTART_AGAIN_FIRST_S)
                self._next[name] = now + delay_s
                _LOG.warning("connector %s has failed tasks; restarting them", name)
                httpx.post(
                    f"{self._url}/connectors/{name}/restart",
                    params={"includeTasks": "true", "onlyFailed": "true"},
                    timeout=3.0,
                ).raise_for_status()


def probe(url: str) -> None:
    """Ask the worker whether it has joined its group; raises while it has not."""
    httpx.get(f"{url}/health", timeout=2.0).raise_for_status()


def connect_part(
    name: str,
    home: Path,
    ports: dict[str, int],
    jvm: Jvm,
    *,
    broker: str,
    bootstrap: str,
    plugins: Path | None = None,
) -> Part:
    """Describe the worker ``name`` beside the part ``broker`` (its Kafka, at ``bootstrap``).

    ``plugins`` is the folder of plugins beside those on the class path.
    """
    configuration = home / "connect.properties"
    url = f"http://{HOST}:{ports['rest']}"

    def prepare() -> None:
        home.mkdir(parents=True, exist_ok=True)
        write_properties(configuration, properties(name, bootstrap, ports["rest"], plugins))

    return Part(
        name=name,
        command=jvm.command(
            KAFKA,
            "org.apache.kafka.connect.cli.ConnectDistributed",
            str(configuration),
            heap_mib=HEAP_MIB,
            properties=(
                "-Dorg.apache.avro.limits.bytes.maxLength=16777216",
                "-Dorg.apache.avro.limits.string.maxLength=16777216",
                "-Dorg.apache.avro.limits.collectionItems.maxLength=1000000",
            ),
        ),
        prepare=prepare,
        probe=lambda: probe(url),
        watch=TaskWatchdog(url),
        ports=ports,
        needs=(broker,),
        stop_grace_s=60.0 if jvm.train_into else 10.0,
    )
