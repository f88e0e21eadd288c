"""An update to test with."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from schemas.records import ModelUpdate
from schemas.releases import chunk_count, release_of

CARD = "name: yolox\nlicence: Apache-2.0\ndecoding: yolox\nlabels: [person]\n"
WEIGHTS = b"weights"


def update(weights: bytes = WEIGHTS, card: str = CARD, **values: Any) -> ModelUpdate:
    """Return a sound update of ``yolox``; ``values`` replace some of its fields."""
    digest = sha256(weights).hexdigest() if weights else ""
    sound: dict[str, Any] = {
        "model": "yolox",
        "version": release_of(card, digest),
        "sites": (),
        "card": card,
        "sha256": digest,
        "size": len(weights),
        "chunks": chunk_count(len(weights)) if weights else 0,
        "max_answer_s": 5.0,
        "watch_s": 60.0,
        "max_error_rate": 0.05,
        "published_at": 1000,
    }
    return ModelUpdate(**sound | values)
