"""Signatures of webhooks: who sent this body, and when.

The header ``Sightline-Signature: t=1700000000,v1=HEX[,v1=HEX]`` holds, for each secret that is
valid, the HMAC-SHA256 of ``<t>.<body>``. A receiver recomputes it with its secret, compares in
constant time, refuses times further off than its tolerance (five minutes), and remembers the ids
of that window, so that a request that somebody recorded is refused when it is played again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

SIGNATURE_HEADER = "Sightline-Signature"
TOLERANCE_S = 300
_MAX_PARTS = 16


def sign(body: bytes, secrets: Iterable[str], at_s: int) -> str:
    """Return the header's value for a body sent at ``at_s`` (UTC seconds).

    >>> sign(b"{}", ["old", "new"], 1700000000).count("v1=")
    2
    """
    return ",".join([f"t={at_s}", *(f"v1={_digest(body, one, at_s)}" for one in secrets)])


def verify(
    body: bytes, header: str, secret: str, now_s: int, tolerance_s: int = TOLERANCE_S
) -> bool:
    """Tell whether a body was signed with this secret within the tolerance: for receivers."""
    at_s: int | None = None
    given: list[str] = []
    for part in header.split(",")[:_MAX_PARTS]:
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdecimal() and len(value) < 13:
            at_s = int(value)
        elif name == "v1":
            given.append(value)
    if at_s is None or abs(now_s - at_s) > tolerance_s:
        return False
    right = _digest(body, secret, at_s).encode()
    return any(hmac.compare_digest(one.encode(), right) for one in given)


def _digest(body: bytes, secret: str, at_s: int) -> str:
    return hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
