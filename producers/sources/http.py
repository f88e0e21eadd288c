"""A camera over HTTP: one endless answer of JPEG pictures (MJPEG), or a picture for each request.

Which of the two it is, the content type says. Neither carries times: a picture of a stream is of
the moment it arrived, a picture that was asked for of the moment it was asked for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from urllib.parse import urlsplit

import httpx

from producers.privacy import Image
from producers.sources.credentials import read_password
from producers.sources.multipart import Parts, boundary_of, check_size
from producers.sources.source import (
    OPEN_TIMEOUT_S,
    READ_TIMEOUT_S,
    Packet,
    Picture,
    SourceReport,
    StreamFacts,
)
from producers.sources.troubles import refused_login, silent, unreachable
from schemas.errors import Rejected, Retryable, SightlineError
from schemas.site import Credentials
from triton_models.kit.picture import BadPicture, decode_colour

USUAL_RATE = Fraction(5)
"""Pictures a second that are asked for where the configuration says ``native``."""
LEAST_RATE = Fraction(1, 5)
"""One is asked for this often though fewer are analysed: else the camera would count as offline."""

_STREAM = "multipart/x-mixed-replace"
_MOST_DAMAGED = 20
"""Pictures in a row that cannot be decoded, after which it is no camera."""
_USUAL_INTERVAL_MS = Fraction(40)
_PER_S = 1000
"""Units of a packet's times in a second."""


class HttpSource:
    """One connection to a camera that speaks HTTP.

    Args:
        address: ``http://`` or ``https://``, without a login in it.
        credentials: where the login is found; None for a camera without one.
        environment: variables in which the password is looked up.
        rate: pictures a second that are asked for, where each takes a request; None: the usual.
        packets: whether the JPEG pictures themselves are wanted too.
        open_timeout_s, read_timeout_s: how long to wait for a connection and for the next bytes.
    """

    live = True

    def __init__(
        self,
        address: str,
        credentials: Credentials | None,
        environment: Mapping[str, str],
        *,
        rate: Fraction | None,
        packets: bool = False,
        open_timeout_s: float = OPEN_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._environment = environment
        self._rate = max(rate or USUAL_RATE, LEAST_RATE)
        self._packets = packets
        self._patience_s = read_timeout_s
        self._timeout = httpx.Timeout(read_timeout_s, connect=open_timeout_s)
        self._client: httpx.Client | None = None
        self._login: httpx.Auth | None = None
        self._opened_s = 0.0
        self._first: httpx.Response | None = None
        self._size: tuple[int, int] | None = None
        self._damaged = 0

    def open(self) -> None:
        """Connect, log in, and see what the camera sends.

        Raises:
            Retryable: it is not reachable now, or has nothing at this path now.
            Rejected: it refuses the login, sends neither pictures nor a stream of them, or the
                password is not there.
        """
        password = None
        if self._credentials is not None:
            password = read_password(self._credentials, self._address, self._environment)
        # A transport of its own: a camera is not looked for behind the proxy of the internet.
        self._client = httpx.Client(timeout=self._timeout, transport=httpx.HTTPTransport())
        self._opened_s = time.monotonic()
        response = self._request()
        if response.status_code == httpx.codes.UNAUTHORIZED and self._credentials is not None:
            response.close()
            assert password is not None, "it was read"
            self._login = _login(response, self._credentials.username, password)
            response = self._request()
        self._first = self._checked(response)
        kind = _kind(self._first)
        if kind != _STREAM and not kind.startswith("image/"):
            raise Rejected(
                f"{self._address} sends {kind or 'something without a content type'}, neither "
                f"JPEG pictures nor a stream of them ({_STREAM}): check the path",
                reason="no-video",
            )

    def __iter__(self) -> Iterator[Packet | Picture]:
        """Yield what the camera sends; a connection that is closed ends quietly.

        Raises:
            Retryable: the camera fell silent, or the connection broke.
            Rejected: what it sends cannot be decoded.
        """
        assert self._first is not None, "open() comes first"
        streamed = _kind(self._first) == _STREAM
        pictures = self._streamed(self._first) if streamed else self._asked_for(self._first)
        damaged_in_a_row = 0
        for pts_ms, jpeg in pictures:
            try:
                image = decode_colour(jpeg)
            except BadPicture as error:
                self._damaged += 1
                damaged_in_a_row += 1
                if damaged_in_a_row == _MOST_DAMAGED:
                    raise Rejected(
                        f"{self._address} sends no pictures that can be decoded, the last is "
                        f"{error}: let the camera send JPEG",
                        reason="unreadable",
                    ) from None
                continue
            damaged_in_a_row = 0
            self._size = (image.shape[1], image.shape[0])
            if self._packets:
                yield Packet(pts_ms, pts_ms, 0, True, jpeg)
            yield Picture(Fraction(pts_ms), partial(_itself, image))

    def facts(self) -> StreamFacts | None:
        """Return how the packets are decoded."""
        if self._size is None:
            return None
        return StreamFacts("mjpeg", b"", *self._size, Fraction(1, _PER_S))

    def report(self) -> SourceReport:
        """Return the usual interval, and how many pictures were damaged."""
        return SourceReport(_USUAL_INTERVAL_MS, self._damaged)

    def close(self) -> None:
        """Disconnect."""
        if self._first is not None:
            self._first.close()
            self._first = None
        if self._client is not None:
            self._client.close()
            self._client = None

    def _streamed(self, response: httpx.Response) -> Iterator[tuple[int, bytes]]:
        parts = Parts(boundary_of(response.headers.get("content-type", "")))
        with self._translating():
            try:
                for data in response.iter_bytes():
                    for part in parts.feed(data):
                        yield self._elapsed_ms(), part
            except httpx.RemoteProtocolError:
                # Cut off within a chunk: how many cameras end their streams.
                return

    def _asked_for(self, first: httpx.Response) -> Iterator[tuple[int, bytes]]:
        """Ask for a picture at every whole interval since the first one.

        The times are rounded up, so that the sampler, which rounds down, finds each in its slot.
        One request that fails is not yet a camera lost.
        """
        yield 0, self._body(first)
        answered_s = time.monotonic()
        slot = 0
        while True:
            elapsed = Fraction(time.monotonic() - self._opened_s)
            slot = max(slot + 1, math.ceil(elapsed * self._rate))
            time.sleep(max(0.0, self._opened_s + float(slot / self._rate) - time.monotonic()))
            try:
                picture = self._body(self._checked(self._request()))
            except Retryable:
                if time.monotonic() - answered_s >= self._patience_s:
                    raise
                continue
            answered_s = time.monotonic()
            yield math.ceil(slot * 1000 / self._rate), picture

    def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        with self._translating():
            for data in response.iter_bytes():
                body += data
                check_size(len(body))
        response.close()
        return bytes(body)

    def _request(self) -> httpx.Response:
        assert self._client is not None, "open() comes first"
        with self._translating():
            request = self._client.build_request("GET", self._address)
            return self._client.send(request, auth=self._login, stream=True)

    def _checked(self, response: httpx.Response) -> httpx.Response:
        """Return an answer that brings something; close any other, and say what it means."""
        if response.status_code == httpx.codes.OK:
            return response
        response.close()
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> SightlineError:
        where, status = self._address, response.status_code
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return refused_login(where, self._credentials)
        if response.is_redirect:
            target = urlsplit(response.headers.get("location", ""))
            # What stands behind the path may be a secret.
            to = f"{target.scheme}://{target.hostname}{target.path}" if target.netloc else "a path"
            return Rejected(
                f"{where} redirects to {to}: give the camera's `source` that address",
                reason="redirected",
            )
        if status == httpx.codes.NOT_FOUND:
            return Retryable(f"{where} is not found: the host answers, but has no such path now")
        return Retryable(f"{where} answers with status {status}: look at the camera's own page")

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException:
            raise silent(self._address) from None
        except httpx.RemoteProtocolError:
            raise Retryable(
                f"{self._address} does not answer as HTTP: check the port and the path"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise unreachable(self._address, error) from None
        except Rejected as error:
            raise Rejected(f"{self._address}: {error}", reason=error.reason) from None

    def _elapsed_ms(self) -> int:
        return round(1000 * (time.monotonic() - self._opened_s))


def _itself(image: Image) -> Image:
    return image


def _kind(response: httpx.Response) -> str:
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()


def _login(response: httpx.Response, username: str, password: str) -> httpx.Auth:
    challenges = response.headers.get("www-authenticate", "").lower()
    kind = httpx.DigestAuth if "digest" in challenges else httpx.BasicAuth
    return kind(username, password)
