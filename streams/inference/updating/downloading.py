"""Weights from an address: resumed where they stopped, and never longer or larger than allowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from schemas.errors import Rejected, Retryable

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
LONGEST_S = 3600.0
"""One attempt; the next goes on where it stopped."""
MOST_REDIRECTS = 3
_NO_RANGE = 416
_PASSING = frozenset({408, 425, 429})


def download(
    address: str,
    size: int,
    into: Path,
    stopping: Callable[[], bool],
    *,
    longest_s: float = LONGEST_S,
) -> None:
    """Bring what an address gives to a file, after what is there already.

    Args:
        address: ``http`` or ``https``.
        size: bytes expected; more are not taken.
        into: the file; what an earlier attempt has left in it is not fetched again.
        stopping: tells when to give up because the process ends.
        longest_s: seconds one attempt may take.

    Raises:
        Retryable: it cannot be reached, or ended early; what came stays.
        Rejected: the address is none, or does not hold such a file.
    """
    if not is_address(address):
        raise Rejected(
            f"{shown(address)} is no address that weights are fetched from: use http or https",
            reason="bad-address",
        )
    deadline_s = time.monotonic() + longest_s
    try:
        with httpx.Client(
            timeout=TIMEOUT, follow_redirects=True, max_redirects=MOST_REDIRECTS
        ) as client:
            _continue(client, address, size, into, lambda: _late(deadline_s) or stopping())
    except httpx.TooManyRedirects as error:
        raise Rejected(
            f"{shown(address)} redirects more than {MOST_REDIRECTS} times: publish the address "
            "that it leads to",
            reason="bad-address",
        ) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Rejected(f"{shown(address)} is no address: {error}", reason="bad-address") from error
    except httpx.HTTPError as error:
        raise Retryable(
            f"{shown(address)} cannot be reached ({type(error).__name__}): it is tried again; "
            "sites without a way there need the weights in chunks"
        ) from error
    have = into.stat().st_size
    if have < size:
        raise Retryable(f"{shown(address)} ended after {have} of {size} bytes; it goes on there")


def is_address(text: str) -> bool:
    """Tell whether a text is an address that weights may be fetched from."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shown(address: str) -> str:
    """Return an address without what may be secret in it.

    >>> shown("https://me:word@example.org:8443/a.onnx?token=1")
    'https://example.org:8443/a.onnx'
    """
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the address"
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def _continue(
    client: httpx.Client, address: str, size: int, into: Path, enough: Callable[[], bool]
) -> None:
    have = into.stat().st_size if into.exists() else 0
    if have >= size:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", address, headers=headers) as answer:
        if answer.status_code == _NO_RANGE:
            # The file there is shorter than what came before: it has changed.
            into.unlink()
            raise Retryable(f"{shown(address)} has changed meanwhile; it is fetched from the start")
        _check(answer, address)
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        with into.open("ab" if resumed else "wb") as file:
            for block in answer.iter_bytes():
                if file.tell() + len(block) > size:
                    raise Rejected(
                        f"{shown(address)} gives more than the {size} bytes of the update: it is "
                        "another file; publish it with its size and checksum",
                        reason="wrong-size",
                    )
                file.write(block)
                if enough():
                    return


def _check(answer: httpx.Response, address: str) -> None:
    if not answer.is_error:
        return
    what = f"{shown(address)} answers {answer.status_code}"
    if answer.is_server_error or answer.status_code in _PASSING:
        raise Retryable(f"{what}; it is tried again")
    raise Rejected(f"{what}: publish the address that holds the weights", reason="not-published")


def _late(deadline_s: float) -> bool:
    return time.monotonic() >= deadline_s
