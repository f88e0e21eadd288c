"""What sites run of each model, as their receipts say, and how a wish stands there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consumers.documents.receipts import Told
from schemas.records import ModelUpdate

KIND = "model"
NO_RECEIPT = "no receipt"
_PREFIX = f"{KIND}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTold:
    """A site's last word on a model."""

    site: str
    model: str
    state: str
    """applied, refused, rolled-back, overruled, withdrawn, waiting, imported."""
    reason: str
    message: str
    wanted: str
    """The release that is answered."""
    published_at: int
    version: int
    """Its number in the site's Triton; 0: nothing runs."""
    release: str
    """That runs; empty: nothing."""
    sha256: str
    """Of the weights that run."""
    at: datetime

    @classmethod
    def of(cls, told: Told) -> ModelTold:
        """Read a receipt of a model; what a site wrote there may be anything."""
        details, running = told.details, told.details.get("running")
        runs: Mapping[str, Any] = running if isinstance(running, dict) else {}
        published_at = details.get("published_at")
        return cls(
            site=told.site,
            model=told.document.removeprefix(_PREFIX),
            state=str(details.get("state", told.status)),
            reason=str(details.get("reason", "")),
            message=str(details.get("message", "")),
            wanted=str(details.get("wanted", "")),
            published_at=published_at if isinstance(published_at, int) else 0,
            version=told.config_version,
            release=str(runs.get("release", "")),
            sha256=str(runs.get("sha256", "")),
            at=told.at,
        )


def state_at(wish: ModelUpdate, told: ModelTold | None) -> tuple[str, str]:
    """Return how a wish stands at a site, and what the site says to it."""
    if told is None or told.wanted != wish.version or told.published_at < wish.published_at:
        return NO_RECEIPT, ""
    return told.state, told.message
