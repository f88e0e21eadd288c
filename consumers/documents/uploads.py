"""A large body of a request to a file beside, bounded and checked, before anything uses it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from consumers.api.problems import Problem
from schemas.errors import Backpressure

AT_ONCE = 2
"""Uploads under way in this process: each may take so much of the disk."""
BLOCK_BYTES = 1 << 20


class Uploads:
    """The uploads of one process."""

    def __init__(self) -> None:
        self._under_way = 0

    @asynccontextmanager
    async def receive(self, request: Request, digest: str) -> AsyncIterator[tuple[Path, int]]:
        """Yield a file with the body of a request, and its size; it is gone afterwards.

        Args:
            request: how large its body may be, its route says.
            digest: SHA-256 (hex) that the body must have.

        Raises:
            Problem: 422, it is empty, ended early or is another file.
            Backpressure: others upload at this moment.
        """
        if self._under_way >= AT_ONCE:
            raise Backpressure("others upload at this moment", retry_after_s=10)
        self._under_way += 1
        try:
            with tempfile.TemporaryDirectory(prefix="sightline-upload-") as folder:
                path = Path(folder) / "body"
                size = await _write(request, path, digest)
                yield path, size
        finally:
            self._under_way -= 1


async def _write(request: Request, path: Path, digest: str) -> int:
    found, size, held = sha256(), 0, bytearray()
    with path.open("wb") as file:

        def put(block: bytes) -> None:
            found.update(block)
            file.write(block)

        try:
            async for piece in request.stream():
                held += piece
                size += len(piece)
                if len(held) >= BLOCK_BYTES:
                    await asyncio.to_thread(put, bytes(held))
                    held.clear()
        except ClientDisconnect:
            raise _refused("the body ended early: send it again") from None
        await asyncio.to_thread(put, bytes(held))
    if not size:
        raise _refused("the body is empty: send the file as it is")
    if found.hexdigest() != digest:
        raise _refused(f"the body has the SHA-256 {found.hexdigest()}, not the one in the address")
    return size


def _refused(what: str) -> Problem:
    return Problem(
        422, "bad-upload", "Not that file", what, errors=[{"where": "body", "what": what}]
    )
