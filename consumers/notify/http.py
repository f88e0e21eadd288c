"""Requests to addresses that users gave: pinned, never redirected, bounded in time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit, urlunsplit

import httpx

from consumers.notify.guard import Guard
from schemas.errors import Backpressure, Rejected, Retryable

CONNECT_S, ANSWER_S, WHOLE_S = 5.0, 10.0, 15.0
MAX_ANSWER_BYTES = 2048
"""As much of an answer as is worth telling."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    text: str
    retry_after_s: float


class Poster:
    """Posts to one URL after another, each to an address that the guard has seen."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._client = httpx.AsyncClient(
            verify=_tls(),
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            follow_redirects=False,
            trust_env=False,
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post, and return the answer, whatever its status.

        Raises:
            Rejected: the address must not be reached.
            Retryable: nothing answers.
        """
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        address = await self._guard.resolve(host, port)
        pinned = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        request = self._client.build_request(
            "POST",
            urlunsplit((parts.scheme, pinned, parts.path or "/", parts.query, "")),
            content=body,
            headers={
                "Accept-Encoding": "identity",
                "User-Agent": "Sightline",
                **headers,
                "Host": parts.netloc.rpartition("@")[2],
            },
            # The certificate is checked against the name, not the address.
            extensions={"sni_hostname": host},
        )
        try:
            async with asyncio.timeout(WHOLE_S):
                response = await self._client.send(request, stream=True)
                try:
                    return Answer(
                        response.status_code, await _beginning(response), _retry_after_s(response)
                    )
                finally:
                    await response.aclose()
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            why = str(error) or type(error).__name__
            raise Retryable(f"{parts.scheme}://{host} does not answer: {why}") from error

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()


def judge(answer: Answer, whom: str) -> None:
    """Take an answer of 2xx for success.

    Raises:
        Backpressure: the receiver asks to be left alone for a while.
        Retryable: it is unwell, or does not know us now (408, 425, 429, 5xx).
        Rejected: it refuses this message for good; redirects are not followed.
    """
    if 200 <= answer.status < 300:
        return
    # What the receiver says is the operator's to read; it is shown to users who may see targets.
    said = f"{whom} answered {answer.status}" + (f": {answer.text}" if answer.text else "")
    if answer.status in (408, 425, 429) or answer.status >= 500:
        if answer.retry_after_s:
            raise Backpressure(said, retry_after_s=answer.retry_after_s)
        raise Retryable(said)
    if 300 <= answer.status < 400:
        said += " (redirects are not followed: give the address that it leads to)"
    raise Rejected(said, reason=f"http-{answer.status}")


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes tens of milliseconds; they are the same for all targets.
    return httpx.create_ssl_context(trust_env=False)


async def _beginning(response: httpx.Response) -> str:
    found = b""
    async for piece in response.aiter_raw():
        found += piece
        if len(found) >= MAX_ANSWER_BYTES:
            break
    text = found[:MAX_ANSWER_BYTES].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]


def _retry_after_s(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() and len(text) < 7 else 0.0
