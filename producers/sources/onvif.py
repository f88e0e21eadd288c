"""A camera by ONVIF: it is asked where its stream is, which is then read by RTSP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit, urlunsplit

import httpx
from onveef import OnvifClient, OnvifEndpoint
from onveef.exceptions import (
    OnvifAuthError,
    OnvifCapabilityMissingError,
    OnvifError,
    OnvifFaultError,
    OnvifOperationNotSupportedError,
    OnvifTimeoutError,
)

from producers.sources.credentials import read_password
from producers.sources.rtsp import RtspSource
from producers.sources.source import Packet, Picture, SourceReport, StreamFacts
from producers.sources.troubles import refused_login, silent, unreachable
from schemas.errors import Rejected, Retryable, SightlineError
from schemas.site import Credentials

CALL_TIMEOUT_S = 4.0
"""Each of the three questions waits so long."""


class OnvifSource:
    """One connection to a camera that is found by ONVIF (Profile S or T).

    Args:
        host: ``host[:port]`` of its device service; port 80, and https at 443.
        profile: place of the profile in the camera's own list, from 0.
        credentials: where the login is found; None for a camera without one.
        environment: variables in which the password is looked up.
        packets: whether the camera's own packets are wanted too.
        timeout_s: for each question.
    """

    live = True

    def __init__(
        self,
        host: str,
        profile: int,
        credentials: Credentials | None,
        environment: Mapping[str, str],
        *,
        packets: bool = False,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        self._host = host
        self._shown = f"onvif://{host}"
        self._profile = profile
        self._credentials = credentials
        self._environment = environment
        self._packets = packets
        self._timeout_s = timeout_s
        self._stream: RtspSource | None = None

    def open(self) -> None:
        """Ask for the address of the stream, and connect to it.

        Raises:
            Retryable: the camera is not reachable now.
            Rejected: it refuses the login, has no such profile or no video, or the password is
                not there.
        """
        address = self._ask()
        self._stream = RtspSource(
            address,
            self._credentials,
            self._environment,
            packets=self._packets,
            shown=f"{self._shown} (stream {_without_secrets(address)})",
        )
        self._stream.open()

    def __iter__(self) -> Iterator[Packet | Picture]:
        """Yield what the camera sends; see :class:`RtspSource`."""
        yield from self._opened()

    def facts(self) -> StreamFacts | None:
        """Return how the packets are decoded."""
        return None if self._stream is None else self._stream.facts()

    def report(self) -> SourceReport:
        """Return what is known of the stream."""
        return self._opened().report()

    def close(self) -> None:
        """Disconnect."""
        if self._stream is not None:
            self._stream.close()

    def _opened(self) -> RtspSource:
        assert self._stream is not None, "open() comes first"
        return self._stream

    def _ask(self) -> str:
        """Return the address of the profile's stream, without a login."""
        with self._client() as client:
            try:
                # Asked for by itself: the client would take a failure of it for a missing service.
                services = client.discover_services()
                client.set_endpoint(OnvifEndpoint(client.endpoint.device_xaddr, services))
                profiles = client.get_profiles()
                if self._profile >= len(profiles):
                    raise self._no_profile([str(one.get("name", "")) for one in profiles])
                address = client.get_stream_uri(profile_token=profiles[self._profile]["token"])
            except (OnvifError, httpx.InvalidURL) as error:
                # Its text may hold what the camera answered: neither it nor its chain is passed on.
                raise self._translated(error) from None
        parts = urlsplit(address)
        if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname:
            raise Rejected(
                f"{self._shown} gives no address of a stream for profile {self._profile}: try "
                "another profile, or give the camera's rtsp:// address",
                reason="no-video",
            )
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def _client(self) -> OnvifClient:
        username = password = ""
        if self._credentials is not None:
            username = self._credentials.username
            password = read_password(self._credentials, self._shown, self._environment)
        secure = self._host.endswith(":443")
        return OnvifClient(
            self._host,
            username=username,
            password=password,
            use_https=secure,
            timeout_s=self._timeout_s,
            # Trying again is capture's business; a camera is not behind the internet's proxy.
            retries=0,
            transport=httpx.HTTPTransport(),
        )

    def _no_profile(self, names: list[str]) -> Rejected:
        there = ", ".join(f"{number} ({name})" for number, name in enumerate(names)) or "none"
        return Rejected(
            f"{self._shown} has no profile {self._profile}: there is {there}; say which by "
            "?profile=N",
            reason="no-profile",
        )

    def _translated(self, error: Exception) -> SightlineError:
        where = self._shown
        match error:
            case OnvifAuthError():
                return refused_login(where, self._credentials, ", and the camera's clock")
            case OnvifTimeoutError():
                return silent(where)
            case OnvifCapabilityMissingError() | OnvifOperationNotSupportedError():
                return Rejected(
                    f"{where} offers no video by ONVIF: give the camera's rtsp:// address",
                    reason="no-video",
                )
            case OnvifFaultError():
                return Retryable(f"{where} refuses the question: switch ONVIF on in the camera")
        cause = error.__cause__
        if isinstance(cause, httpx.ConnectError):
            return unreachable(where, cause)
        return Retryable(f"{where} does not answer as ONVIF: check the port")


def _without_secrets(address: str) -> str:
    """Return an address for people: some cameras put a login into the query."""
    return urlunsplit(urlsplit(address)._replace(query="", fragment=""))
