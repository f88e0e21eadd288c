"""Secrets that must be read again later (seeds of authenticators, passwords of targets), encrypted."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

from schemas.errors import Fatal

MIN_CHARACTERS = 32


class Sealer:
    """Encrypts and authenticates with a key made from ``SIGHTLINE_SECRET_KEY``."""

    def __init__(self, secret_key: str) -> None:
        """Derive the key.

        Raises:
            Fatal: the secret is too short to protect anything.
        """
        if len(secret_key) < MIN_CHARACTERS:
            raise Fatal(
                f"SIGHTLINE_SECRET_KEY has fewer than {MIN_CHARACTERS} characters: set a random one, "
                "the same for all services of this cloud"
            )
        digest = hashlib.blake2b(
            secret_key.encode(), digest_size=32, person=b"sightline-seal"
        ).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))
        self._mac_key = hashlib.blake2b(
            secret_key.encode(), digest_size=32, person=b"sightline-mac"
        ).digest()

    def seal(self, text: str) -> str:
        """Return the text encrypted, as text."""
        return self._fernet.encrypt(text.encode()).decode()

    def mac(self, purpose: str, text: str) -> bytes:
        """Return what is kept of a short code: without the secret it cannot be searched for."""
        return hmac.digest(self._mac_key, f"{len(purpose)}:{purpose}{text}".encode(), "sha256")

    def open(self, sealed: str) -> str:
        """Return what was sealed.

        Raises:
            Fatal: it was sealed with another secret, or damaged.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Fatal(
                "a stored secret cannot be opened: SIGHTLINE_SECRET_KEY is not the one it was sealed with"
            ) from None
