"""Addresses that users give must not lead into the operator's own networks (SSRF).

A name is resolved once, every address that it has must be public, and the connection is made to
the address that was looked at, whatever the name says a moment later.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass

from infra.runtime.settings import Settings
from schemas.errors import Fatal, Rejected, Retryable

RESOLVE_S = 5.0
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_LAST_32 = 0xFFFFFFFF
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Guard:
    """``private`` lets every address through: the operator says that its users may."""

    private: bool = False

    def check(self, host: str) -> None:
        """Refuse an address that can be seen to be none of the internet's; names are resolved later.

        Raises:
            Rejected: it is such an address.
        """
        if self.private or not host:
            return
        try:
            ipaddress.ip_address(host)
        except ValueError:
            if host.lower().rstrip(".") != "localhost":
                return
        else:
            if is_public(host):
                return
        raise _private(host)

    async def resolve(self, host: str, port: int) -> str:
        """Return the address to connect to.

        Raises:
            Rejected: an address of the host is not public; reason ``private-address``.
            Retryable: the name cannot be resolved now.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise Retryable(f"the name {host} cannot be resolved: {_why(error)}") from error
        addresses = [str(place[4][0]) for place in found]
        if not addresses:
            raise Retryable(f"the name {host} has no address")
        if not self.private:
            for address in addresses:
                if not is_public(address):
                    raise _private(host)
        return addresses[0]


def guard_of(settings: Settings) -> Guard:
    """Return the guard as the operator wants it.

    Raises:
        Fatal: the setting is neither true nor false.
    """
    word = settings.notify_private.strip().lower()
    if word not in ("", "true", "false"):
        raise Fatal("SIGHTLINE_NOTIFY_PRIVATE is neither true nor false: correct it")
    return Guard(private=word == "true")


def is_public(text: str) -> bool:
    """Tell whether an IP address is one of the public internet's.

    >>> is_public("93.184.216.34"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1")
    (True, False, False)
    """
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in net for net in _NAT64):
            inner = ipaddress.IPv4Address(int(address) & _LAST_32)
        # Teredo hides a client's address behind a server's: not for servers to be reached by.
        if address.teredo is not None or (inner is not None and not _is_public(inner)):
            return False
        if inner is not None:
            return True
    return _is_public(address)


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _private(host: str) -> Rejected:
    return Rejected(
        f"{host} is not a public address: the operator of this cloud can allow such targets with "
        "SIGHTLINE_NOTIFY_PRIVATE=true",
        reason="private-address",
    )


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__
