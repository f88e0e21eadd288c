"""A Sightline process of our own as a part: started, asked and restarted like the others."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import httpx

from infra.local.part import Part
from infra.local.ports import HOST

STOP_GRACE_S = 10.0


@dataclass(frozen=True)
class ServiceSpec:
    """One of our processes: its name, its command line, and the parts it starts after."""

    name: str
    args: tuple[str, ...]
    needs: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def with_environment(self, environment: Mapping[str, str]) -> ServiceSpec:
        """Return the same with further variables, which give way to its own."""
        return replace(self, env={**environment, **self.env})


def probe(port: int) -> None:
    """Ask ``GET /healthz``; raises unless the answer is a success."""
    httpx.get(f"http://{HOST}:{port}/healthz", timeout=2.0).raise_for_status()


def service_part(
    name: str,
    args: Sequence[str],
    env: Mapping[str, str],
    port: int,
    *,
    needs: tuple[str, ...] = (),
    ready_within_s: float = 60.0,
) -> Part:
    """Describe ``sightline ARGS...`` run by this Python; it serves ``/healthz`` on ``port``.

    A service that does not stop within ``STOP_GRACE_S`` of SIGTERM is killed.
    """
    return Part(
        name=name,
        command=(sys.executable, "-m", "infra.cli.main", *args),
        env={"PYTHONUNBUFFERED": "1", **env, "SIGHTLINE_HTTP_PORT": str(port)},
        probe=lambda: probe(port),
        ports={"health": port},
        needs=needs,
        stop_grace_s=STOP_GRACE_S,
        ready_within_s=ready_within_s,
    )
