"""How a target's settings lie in its row: what may be shown as JSON, the rest sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from consumers.access.sealing import Sealer
from schemas.errors import Fatal, Rejected


def secrets_of(row: Mapping[str, Any], sealer: Sealer) -> dict[str, str]:
    """Return the secret settings of a target's row.

    Raises:
        Rejected: they were sealed with another secret of the cloud.
    """
    try:
        found = orjson.loads(sealer.open(row["secrets"]))
    except Fatal as error:
        # One target's trouble, and no reason to end for all others.
        raise Rejected(str(error), reason="sealed-otherwise") from error
    return {str(name): str(value) for name, value in found.items()}


def sealed(secrets: Mapping[str, str], sealer: Sealer) -> str:
    """Return secret settings as the row holds them."""
    return sealer.seal(orjson.dumps(dict(secrets)).decode())
