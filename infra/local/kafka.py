"""A Kafka 4.3 broker that is its own controller; the stack runs one for the site, one for the cloud."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

from confluent_kafka.admin import AdminClient

from infra.local import logs
from infra.local.jvm import KAFKA, Jvm
from infra.local.part import Part
from infra.local.ports import HOST
from schemas.errors import Fatal

HEAP_MIB = 384
MAX_RECORD_BYTES = 11 * 1024 * 1024
PORTS = ("broker", "controller")
_FORMAT_TIMEOUT_S = 60


def cluster_id(stack_id: str, name: str) -> str:
    """Return a cluster id (22 characters) that is the same at every start of this stack.

    Like Kafka's own, it never begins with a dash: its tools would take it for an option.

    >>> cluster_id("f8" * 8, "edge-kafka")
    'APj4-Pj4-PhlZGdlLWthZg'
    """
    digits = (stack_id + name.encode().hex()).ljust(32, "0")[:32]
    plain = base64.urlsafe_b64encode(bytes.fromhex(digits)).decode().rstrip("=")
    return "A" + plain[1:] if plain.startswith("-") else plain


def properties(broker: int, controller: int, data: Path) -> dict[str, str]:
    """Return the broker's ``server.properties``: one node, loopback, small."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"BROKER://{HOST}:{broker},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"BROKER://{HOST}:{broker}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": f"{HOST}:{controller}",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        "log.cleaner.dedupe.buffer.size": "16777216",
        "log.retention.check.interval.ms": "10000",
        "message.max.bytes": str(MAX_RECORD_BYTES),
        "replica.fetch.max.bytes": str(MAX_RECORD_BYTES),
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "1000",
    }


def write_properties(path: Path, values: dict[str, str]) -> None:
    """Write a Java properties file; values must not need escaping beyond the backslash."""
    lines = (f"{key}={value}".replace("\\", "\\\\") for key, value in values.items())
    path.write_text("\n".join(lines) + "\n")


def probe(port: int) -> None:
    """Ask the broker for its cluster; raises while it, or its registration, is not there."""
    client = AdminClient(
        {"bootstrap.servers": f"{HOST}:{port}", "socket.timeout.ms": 2000, "log_level": 0},
        logger=logs.silent(),
    )
    if not client.list_topics(timeout=2.0).brokers:
        raise ConnectionError("the broker has not registered with its controller yet")


def kafka_part(name: str, home: Path, ports: dict[str, int], jvm: Jvm, stack_id: str) -> Part:
    """Describe the broker ``name`` that keeps its data under ``home``."""
    configuration = home / "server.properties"
    data = home / "data"

    def prepare() -> None:
        home.mkdir(parents=True, exist_ok=True)
        write_properties(configuration, properties(ports["broker"], ports["controller"], data))
        if not (data / "meta.properties").exists():
            _format(jvm, configuration, cluster_id(stack_id, name))

    return Part(
        name=name,
        command=jvm.command(KAFKA, "kafka.Kafka", str(configuration), heap_mib=HEAP_MIB),
        prepare=prepare,
        probe=lambda: probe(ports["broker"]),
        ports=ports,
        stop_grace_s=60.0 if jvm.train_into else 15.0,
    )


def _format(jvm: Jvm, configuration: Path, cluster: str) -> None:
    """Format the storage. Its output is not kept: it can hold credentials."""
    command = [
        *jvm.command(
            KAFKA,
            "kafka.tools.StorageTool",
            *("format", "--standalone", "--ignore-formatted"),
            *("-t", cluster, "-c", str(configuration)),
            heap_mib=128,
        )
    ]
    command = [option for option in command if not option.startswith("-XX:ArchiveClassesAtExit")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=_FORMAT_TIMEOUT_S
    )
    if done.returncode != 0:
        reason = logs.explain(done.stdout + done.stderr) or done.stderr.strip()[-300:]
        raise Fatal(f"cannot format {configuration.parent}: {reason}")
