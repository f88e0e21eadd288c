"""The run file ``DATA/stack.json``: who runs, where, and with which credentials (mode 0600)."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from infra.local.process import Identity, alive
from schemas.errors import Fatal

FILE_NAME = "stack.json"


def boot_id() -> str:
    """Return the kernel's id of this boot; start times count from it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts listen. Addresses of parts that were not asked for answer nobody."""

    edge_kafka: str
    cloud_kafka: str
    edge_connect: str
    cloud_connect: str
    triton_http: str
    triton_grpc: str
    triton_metrics: str
    postgres_dsn: str
    mongo_url: str
    s3_url: str
    s3_access_key: str
    s3_secret_key: str
    s3_bucket: str = "evidence"
    api_url: str = ""
    """The cloud's API, served by the product on top of the parts."""
    secret_key: str = ""
    """Of the cloud's services."""


class PartRecord(msgspec.Struct, kw_only=True):
    """One part as last seen by its supervisor; ``since`` is UTC seconds."""

    state: str = "pending"
    pid: int | None = None
    start: int | None = None
    ports: dict[str, int] = {}
    since: float = 0.0
    restarts: int = 0
    message: str = ""

    @property
    def identity(self) -> Identity | None:
        """The process last started for this part."""
        return Identity(self.pid, self.start) if self.pid and self.start else None


class StackRecord(msgspec.Struct, kw_only=True):
    """The whole run file. Ports and secrets outlive a run; ``parts`` belongs to the last one."""

    stack_id: str
    boot: str
    supervisor_pid: int = 0
    supervisor_start: int = 0
    phase: str = "stopped"
    message: str = ""
    port_base: int = 0
    ports: dict[str, int] = {}
    secrets: dict[str, str] = {}
    endpoints: Endpoints | None = None
    parts: dict[str, PartRecord] = {}

    @property
    def supervisor(self) -> Identity:
        """The process that started the parts last."""
        return Identity(self.supervisor_pid, self.supervisor_start)

    def supervised(self) -> bool:
        """Tell whether that supervisor still runs."""
        return self.boot == boot_id() and self.supervisor_pid > 0 and alive(self.supervisor)


def read_record(data_dir: Path) -> StackRecord | None:
    """Read the run file; None if there is none; Fatal if it is damaged."""
    path = data_dir / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=StackRecord)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise Fatal(f"{path} belongs to another user; run as its owner or use --data-dir") from None
    except msgspec.DecodeError as error:
        raise Fatal(f"{path} is damaged ({error}); move it away and start again") from error


class StateStore:
    """The run file in memory and on disk; every change is written at once, atomically."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._lock = threading.RLock()
        known = read_record(data_dir)
        self.previous_boot = known is not None and known.boot != boot_id()
        self.record = known or StackRecord(stack_id=secrets.token_hex(8), boot=boot_id())

    def change(self, apply: Callable[[StackRecord], None]) -> None:
        """Apply a change and write the file. Raises OSError when the disk refuses it."""
        with self._lock:
            apply(self.record)
            self._write(msgspec.json.format(msgspec.json.encode(self.record), indent=1))

    def change_part(self, name: str, **fields: object) -> None:
        """Set fields of one part's record; ``since`` moves when its state changes."""

        def apply(record: StackRecord) -> None:
            part = record.parts.setdefault(name, PartRecord())
            if fields.get("state", part.state) != part.state:
                part.since = time.time()
            for key, value in fields.items():
                setattr(part, key, value)

        self.change(apply)

    def secret(self, name: str) -> str:
        """Return a secret that is made once and kept."""
        with self._lock:
            if name not in self.record.secrets:
                self.change(lambda record: record.secrets.update({name: secrets.token_urlsafe(24)}))
            return self.record.secrets[name]

    def _write(self, content: bytes) -> None:
        temporary = self._path.with_name(f".{FILE_NAME}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, self._path)
