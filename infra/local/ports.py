"""Free loopback ports that stay the same from run to run.

A stack takes one block of ports below the range that the kernel hands out to outgoing connections.
The block's first port is held, bound but not listening, for as long as the supervisor lives: two
stacks that start at the same moment can never choose the same block.
"""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterable, Mapping

import psutil

from schemas.errors import Fatal

BLOCK = 64
FIRST = 20000
LAST = 32704
HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def holder(port: int) -> str:
    """Name the process that listens on a port, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == "LISTEN":
                if connection.pid is None:
                    break
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass
    return "another process"


class PortBlock:
    """The ports of one stack, by name, in one guarded block."""

    def __init__(self, base: int, ports: Mapping[str, int], fixed: Mapping[str, int]) -> None:
        """Claim a block: the remembered one if it is still free, else a new one.

        ``fixed`` are ports that a person asked for by name. Raises Fatal when one of them is taken.
        """
        for name, port in fixed.items():
            if not is_free(port):
                raise Fatal(
                    f"port {port}, asked for {name}, is in use by {holder(port)}; "
                    f"end it, or choose another with --port {name}=N"
                )
        self._fixed = dict(fixed)
        self._guard: socket.socket | None = None
        self.ports: dict[str, int] = {}
        if base and self._claim(base):
            kept = {name: port for name, port in ports.items() if base < port < base + BLOCK}
            if all(is_free(port) for port in kept.values()):
                self.ports = kept
            else:
                self.release()
        if self._guard is None:
            self._claim_any()
        self.ports.update(self._fixed)

    def port(self, name: str) -> int:
        """Return the port of that name, choosing a free one of the block at first."""
        if name not in self.ports:
            taken = set(self.ports.values())
            for port in range(self.base + 1, self.base + BLOCK):
                if port not in taken and is_free(port):
                    self.ports[name] = port
                    break
            else:
                raise Fatal(f"no free port left for {name} in {self.base}..{self.base + BLOCK - 1}")
        return self.ports[name]

    def named(self, part: str, names: Iterable[str]) -> dict[str, int]:
        """Return the ports ``part.name`` for each name."""
        return {name: self.port(f"{part}.{name}") for name in names}

    def release(self) -> None:
        """Give the block back."""
        if self._guard is not None:
            self._guard.close()
            self._guard = None

    def _claim(self, base: int) -> bool:
        guard = socket.socket()
        try:
            guard.bind((HOST, base))
        except OSError:
            guard.close()
            return False
        self._guard = guard
        self.base = base
        return True

    def _claim_any(self) -> None:
        bases = list(range(FIRST, LAST, BLOCK))
        random.SystemRandom().shuffle(bases)
        for base in bases:
            if self._claim(base):
                if all(is_free(port) for port in range(base + 1, base + BLOCK)):
                    return
                self.release()
        raise Fatal(f"no {BLOCK} neighbouring free ports on {HOST} between {FIRST} and {LAST}")
