"""A process of clients: opens WebSockets, notes when each hears of each event, tells it at the end.

Frames are cut by hand: what is measured is the server, on a machine that both share.
"""

from __future__ import annotations

import asyncio
import base64
import os
import pickle
import sys
import time
from functools import partial
from typing import Any

import uvloop

PATH = "/api/v1/stream"
_MARK = b'"event_id":"bench-'
_NUMBER_BYTES = 6
_PING, _PONG = 0x89, 0x8A


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, host: str, key: str, heard: list[tuple[int, float]]) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._host = host
        self._key = key
        self._heard = heard
        self._buffer = b""
        self._open = False
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Ask for the stream."""
        self._transport = transport
        nonce = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {PATH} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {self._key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Cut frames; a server's are not masked."""
        buffer = self._buffer + data
        if not self._open:
            head, blank, buffer = buffer.partition(b"\r\n\r\n")
            if not blank:
                self._buffer = head
                return
            if b" 101 " not in head:
                self.ready.set_exception(RuntimeError(head.decode()))
                return
            self._open = True
        while (frame := _frame(buffer)) is not None:
            code, payload, buffer = frame
            if code == _PING:
                # Masked with zeros, which leaves the payload as it is.
                self._transport.write(bytes((_PONG, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
            else:
                self._hear(payload)
        self._buffer = buffer

    def _hear(self, payload: bytes) -> None:
        start = payload.find(_MARK)
        if start >= 0:
            start += len(_MARK)
            self._heard.append((int(payload[start : start + _NUMBER_BYTES]), time.monotonic()))
        elif not self.ready.done():
            self.ready.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Say that the server let go of it before its time."""
        if not self.ready.done():
            self.ready.set_exception(RuntimeError(f"closed at once: {error}"))


def _frame(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    if len(buffer) < 2:
        return None
    length, start = buffer[1], 2
    if length == 126:
        length, start = int.from_bytes(buffer[2:4], "big"), 4
    elif length == 127:
        length, start = int.from_bytes(buffer[2:10], "big"), 10
    if len(buffer) < start + length:
        return None
    return buffer[0], buffer[start : start + length], buffer[start + length :]


async def follow(host: str, port: int, keys: list[str], clients: int) -> list[tuple[int, float]]:
    """Open the clients, say so, and return what they heard until a line comes on standard input."""
    loop = asyncio.get_running_loop()
    heard: list[tuple[int, float]] = []
    for number in range(clients):
        made = partial(Client, host, keys[number % len(keys)], heard)
        _, client = await loop.create_connection(made, host, port)
        await client.ready
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    return heard


def main() -> None:
    """Run with HOST PORT CLIENTS; keys of the API in BENCH_KEYS, separated by spaces."""
    host, port, clients = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    keys = os.environ["BENCH_KEYS"].split()
    heard = uvloop.run(follow(host, port, keys, clients))
    sys.stdout.buffer.write(pickle.dumps(heard))


if __name__ == "__main__":
    main()
