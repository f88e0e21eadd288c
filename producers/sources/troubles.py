"""What is wrong with the way to a camera, in words that hold no secret."""

from __future__ import annotations

import httpx

from schemas.errors import Rejected, Retryable, SightlineError
from schemas.site import Credentials


def refused_login(where: str, credentials: Credentials | None, also: str = "") -> Rejected:
    """Return the error about a login that the camera at ``where`` does not take, or asks for."""
    cure = (
        f"check `username` and the password of its `credentials`{also}"
        if credentials
        else "give the camera `credentials`"
    )
    return Rejected(f"{where} refuses the login: {cure}", reason="wrong-password")


def silent(where: str) -> Retryable:
    """Return the error about a camera that says nothing."""
    return Retryable(f"{where} fell silent or does not answer: check its power and the network")


def unreachable(where: str, error: Exception) -> SightlineError:
    """Return the error about a connection that does not come about.

    ``error`` is httpx's; its text may name the host, which the address shows already.
    """
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Rejected(
            f"{where} shows a certificate that nobody here trusts: set SSL_CERT_FILE to one that "
            "does, or let the camera serve without TLS in a network that you trust",
            reason="untrusted-certificate",
        )
    if isinstance(error, httpx.ConnectError) and "refused" in text:
        return Retryable(f"{where} refuses the connection: check the port, start the camera")
    return Retryable(f"{where} is not reachable ({text}): check host name, power and the network")
