"""Random tokens, of which only hashes are kept.

They have 256 bits, so a plain hash protects them, and looking one up by its hash tells nothing by the
time that it takes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

TOKEN_BYTES = 32
KEY_PATTERN = re.compile(r"sightline_[a-z2-7]{10}_[A-Za-z0-9_-]{43}")
_KEY_PREFIX_BYTES = 6
_TOKEN_CHARACTERS = 43


def new_token() -> str:
    """Return a token for a session, a link or a device."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def new_key() -> tuple[str, str]:
    """Return an API key, and the part of it that may be shown again.

    Its form is easy to find for those who search texts for leaked secrets.

    >>> key, prefix = new_key()
    >>> key.startswith(prefix), KEY_PATTERN.fullmatch(key) is not None
    (True, True)
    """
    name = base64.b32encode(secrets.token_bytes(_KEY_PREFIX_BYTES)).decode().rstrip("=").lower()
    prefix = f"sightline_{name}"
    return f"{prefix}_{new_token()}", prefix


def csrf_token(session_token: str) -> str:
    """Return the token that pages of this session repeat in a header.

    It follows from the session's, which no script can read, and does not tell it.
    """
    mac = hmac.digest(session_token.encode(), b"sightline csrf", "sha256")
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def same(given: str, wanted: str) -> bool:
    """Compare two secrets in a time that tells nothing of them."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
