"""An RTSP camera over TCP; what goes wrong is said in words that hold no secret."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import av
from av.container import InputContainer
from av.error import (
    ExitError,
    FFmpegError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPUnauthorizedError,
    InvalidDataError,
)

from producers.sources.credentials import read_password
from producers.sources.decoding import Decoder
from producers.sources.source import (
    OPEN_TIMEOUT_S,
    READ_TIMEOUT_S,
    Packet,
    Picture,
    SourceReport,
    StreamFacts,
)
from producers.sources.troubles import refused_login, silent
from schemas.errors import Rejected, Retryable, SightlineError
from schemas.site import Credentials

_OPTIONS = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    # Little probing brings the first picture after 0.2 s instead of 2.3 s; `nobuffer` would throw
    # the probed packets away and wait for the next key frame.
    "probesize": "32768",
}


class RtspSource:
    """One connection to an RTSP camera.

    Args:
        address: ``rtsp://`` or ``rtsps://``, without a login in it.
        credentials: where the login is found; None for a camera without one.
        environment: variables in which the password is looked up.
        packets: whether the camera's own packets are wanted too.
        shown: the address in messages, where the true one may hold secrets.
        open_timeout_s, read_timeout_s: how long to wait for an answer and for the next packet.
    """

    live = True

    def __init__(
        self,
        address: str,
        credentials: Credentials | None,
        environment: Mapping[str, str],
        *,
        packets: bool = False,
        shown: str | None = None,
        open_timeout_s: float = OPEN_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._address = address
        self._shown = shown or address
        self._credentials = credentials
        self._environment = environment
        self._packets = packets
        self._timeouts_s = (open_timeout_s, read_timeout_s)
        self._container: InputContainer | None = None
        self._decoder: Decoder | None = None

    def open(self) -> None:
        """Connect and log in.

        Raises:
            Retryable: the camera is not reachable now, or has no stream of this path now.
            Rejected: it refuses the login, sends no video, or the password is not there.
        """
        address = self._with_login()
        began_s = time.monotonic()
        try:
            self._container = av.open(
                address,
                format="rtsp",
                metadata_errors="replace",
                options=dict(_OPTIONS),
                timeout=self._timeouts_s,
            )
        except (FFmpegError, OSError) as error:
            # FFmpeg calls what it was interrupted in invalid data.
            if time.monotonic() - began_s >= self._timeouts_s[0]:
                raise silent(self._shown) from None
            # The error's own text may hold the login: neither it nor its chain is passed on.
            raise self._translated(error) from None
        try:
            self._decoder = Decoder(self._container, packets=self._packets, timed=False)
        except Rejected as error:
            raise Rejected(f"{self._shown} sends no video: {error}", reason=error.reason) from None

    def __iter__(self) -> Iterator[Packet | Picture]:
        """Yield what the camera sends; a connection that is closed ends quietly.

        Raises:
            Retryable: the camera fell silent, or the connection broke.
        """
        assert self._decoder is not None, "open() comes first"
        try:
            yield from self._decoder
        except (FFmpegError, OSError) as error:
            raise self._translated(error) from None

    def facts(self) -> StreamFacts | None:
        """Return how the packets are decoded."""
        return None if self._decoder is None else self._decoder.facts()

    def report(self) -> SourceReport:
        """Return the camera's frame interval and how many packets were damaged."""
        assert self._decoder is not None, "open() comes first"
        return self._decoder.report()

    def close(self) -> None:
        """Disconnect."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _with_login(self) -> str:
        if self._credentials is None:
            return self._address
        password = read_password(self._credentials, self._shown, self._environment)
        login = f"{quote(self._credentials.username, safe='')}:{quote(password, safe='')}"
        parts = urlsplit(self._address)
        return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))

    def _translated(self, error: Exception) -> SightlineError:
        where = self._shown
        match error:
            case HTTPUnauthorizedError() | HTTPForbiddenError():
                return refused_login(where, self._credentials)
            case HTTPNotFoundError():
                # A recorder answers so too while one of its cameras is away.
                return Retryable(
                    f"{where} is not found: the host answers, but has no stream of this path now"
                )
            case InvalidDataError():
                return Retryable(f"{where} does not answer as RTSP: check the port and the path")
            case ConnectionRefusedError():
                return Retryable(
                    f"{where} refuses the connection: check the port, start the camera"
                )
            case ExitError() | TimeoutError():
                return silent(where)
        # The number's own text is the system's and holds no address.
        what = getattr(error, "strerror", None) or type(error).__name__
        return Retryable(
            f"{where} is not reachable ({what}): check host name, power and the network"
        )
