"""The cloud's key for web push (VAPID, RFC 8292): made once, sealed in the database."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from consumers.access.sealing import Sealer
from consumers.store.database import Database

NAME = "vapid"


async def vapid_private_key(database: Database, sealer: Sealer) -> str:
    """Return the private key as PEM; the first who asks makes it.

    Raises:
        Retryable: Postgres does not answer.
        Fatal: it was sealed with another secret of the cloud.
    """
    async with database.system() as connection:
        find = "SELECT sealed FROM notify_keys WHERE name = %s"
        row = await (await connection.execute(find, [NAME])).fetchone()
        if row is None:
            await connection.execute(
                "INSERT INTO notify_keys (name, sealed) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [NAME, sealer.seal(_new_key())],
            )
            row = await (await connection.execute(find, [NAME])).fetchone()
    assert row is not None
    return sealer.open(row["sealed"])


def public_key(private_pem: str) -> str:
    """Return the public key as browsers want it: ``applicationServerKey``, base64url."""
    key = serialization.load_pem_private_key(private_pem.encode(), None)
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def _new_key() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )
