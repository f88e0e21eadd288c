"""Fetching a published file whose checksum is known."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import httpx

from schemas.errors import Rejected, Retryable
from streams.inference.updating.downloading import shown

MOST_BYTES = 1 << 31
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)


def fetch(address: str, digest: str, into: Path, *, instead: str) -> None:
    """Write what an address gives into a file, if it has the checksum; else nothing stays.

    Args:
        address: ``http`` or ``https``; redirections are followed.
        digest: SHA-256, hex.
        into: the file.
        instead: what can be done without a network, for messages.

    Raises:
        Rejected: the address refuses, or gives something else.
        Retryable: it cannot be reached.
    """
    found = sha256()
    try:
        with (
            httpx.stream("GET", address, follow_redirects=True, timeout=_TIMEOUT) as answer,
            into.open("wb") as file,
        ):
            if answer.is_error:
                raise Rejected(
                    f"{shown(address)} answers {answer.status_code} {answer.reason_phrase}; "
                    f"with the file at hand use {instead}",
                    reason="not-published",
                )
            for block in answer.iter_bytes():
                found.update(block)
                if file.tell() + len(block) > MOST_BYTES:
                    raise Rejected(
                        f"{shown(address)} gives more than {MOST_BYTES} bytes", reason="too-large"
                    )
                file.write(block)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Rejected(f"{shown(address)} is no address: {error}", reason="bad-address") from error
    except httpx.HTTPError as error:
        into.unlink(missing_ok=True)
        raise Retryable(
            f"{shown(address)} cannot be reached ({error or type(error).__name__}): without a "
            f"network bring the file and use {instead}"
        ) from error
    except Rejected:
        into.unlink(missing_ok=True)
        raise
    if found.hexdigest() != digest:
        into.unlink()
        raise Rejected(
            f"what {shown(address)} gives has SHA-256 {found.hexdigest()}, and {digest} was asked "
            "for: nothing was added; see that the address and the checksum belong together",
            reason="wrong-checksum",
        )
