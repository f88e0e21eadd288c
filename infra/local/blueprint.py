"""Which parts there are, how they hang together, and where each listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from infra.local import connect, kafka, mongo, postgres, seaweedfs, triton
from infra.local.jvm import Jvm
from infra.local.part import Part
from infra.local.ports import HOST, PortBlock
from infra.local.state import Endpoints, StateStore
from schemas.errors import Fatal

PORTS = {
    "edge-kafka": kafka.PORTS,
    "cloud-kafka": kafka.PORTS,
    "edge-connect": connect.PORTS,
    "cloud-connect": connect.PORTS,
    "triton": triton.PORTS,
    "postgres": postgres.PORTS,
    "mongo": mongo.PORTS,
    "seaweedfs": seaweedfs.PORTS,
}
NAMES = tuple(PORTS)
SERVICE_PORTS = {"cloud": ("api",)}
"""Ports of the product's own processes that clients use."""
_NEEDS = {"edge-connect": ("edge-kafka",), "cloud-connect": ("cloud-kafka",)}


def closure(names: frozenset[str]) -> frozenset[str]:
    """Return the names and what they need; Fatal for a name that is no part.

    >>> sorted(closure(frozenset({"cloud-connect"})))
    ['cloud-connect', 'cloud-kafka']
    """
    unknown = sorted(names - set(NAMES))
    if unknown:
        raise Fatal(f"there is no part {', '.join(unknown)}; the parts are {', '.join(NAMES)}")
    return names | {need for name in names for need in _NEEDS.get(name, ())}


def make_endpoints(block: PortBlock, store: StateStore) -> Endpoints:
    """Choose a port for everything that any part opens, and say where clients find the parts."""
    ports = {name: block.named(name, names) for name, names in PORTS.items()}
    return Endpoints(
        edge_kafka=f"{HOST}:{ports['edge-kafka']['broker']}",
        cloud_kafka=f"{HOST}:{ports['cloud-kafka']['broker']}",
        edge_connect=f"http://{HOST}:{ports['edge-connect']['rest']}",
        cloud_connect=f"http://{HOST}:{ports['cloud-connect']['rest']}",
        triton_http=f"http://{HOST}:{ports['triton']['http']}",
        triton_grpc=f"{HOST}:{ports['triton']['grpc']}",
        triton_metrics=f"http://{HOST}:{ports['triton']['metrics']}/metrics",
        postgres_dsn=postgres.dsn(ports["postgres"]["sql"], store.secret("postgres")),
        mongo_url=mongo.url(ports["mongo"]["wire"]),
        s3_url=f"http://{HOST}:{ports['seaweedfs']['s3']}",
        s3_access_key=seaweedfs.ACCESS_KEY,
        s3_secret_key=store.secret("s3"),
        s3_bucket=seaweedfs.BUCKET,
        api_url=f"http://{HOST}:{block.port('cloud.api')}",
        secret_key=store.secret("cloud"),
    )


def build_parts(
    names: frozenset[str],
    data: Path,
    block: PortBlock,
    store: StateStore,
    jvm: Jvm,
    repository: Path,
    models: Sequence[str],
) -> list[Part]:
    """Describe the named parts, the slow ones first. Raises Fatal for what is not installed."""
    stack_id = store.record.stack_id
    ports = {name: block.named(name, part_ports) for name, part_ports in PORTS.items()}

    def broker(name: str) -> Part:
        return kafka.kafka_part(name, data / name, ports[name], jvm, stack_id)

    def worker(name: str, needs: str, plugins: Path | None) -> Part:
        bootstrap = f"{HOST}:{ports[needs]['broker']}"
        return connect.connect_part(
            *(name, data / name, ports[name], jvm),
            broker=needs,
            bootstrap=bootstrap,
            plugins=plugins,
        )

    builders: dict[str, Callable[[], Part]] = {
        "edge-kafka": lambda: broker("edge-kafka"),
        "cloud-kafka": lambda: broker("cloud-kafka"),
        "edge-connect": lambda: worker("edge-connect", "edge-kafka", None),
        "cloud-connect": lambda: worker("cloud-connect", "cloud-kafka", jvm.plugins),
        "triton": lambda: triton.triton_part(
            data / "triton", ports["triton"], repository, stack_id, models
        ),
        "postgres": lambda: postgres.postgres_part(
            data / "postgres", ports["postgres"], store.secret("postgres"), stack_id
        ),
        "mongo": lambda: mongo.mongo_part(data / "mongo", ports["mongo"], jvm),
        "seaweedfs": lambda: seaweedfs.seaweedfs_part(
            *(data / "seaweedfs", ports["seaweedfs"]),
            store.secret("s3"),
            store.secret("s3-signing"),
        ),
    }
    return [build() for name, build in builders.items() if name in names]
