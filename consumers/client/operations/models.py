"""Models at sites: what runs, weights, releases."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypedDict, Unpack

from consumers.api.shapes.models import ModelShown, Uploaded, Wishes, WishShown
from consumers.client.calls import Call, PageOf, pages, place, post, reader

UPLOAD_TIMEOUT_S = 600.0
"""The answer comes once Kafka has all of it."""


class ReleaseOf(TypedDict, total=False):
    """How a site tries a release before it serves it."""

    max_answer_s: float
    max_missing: float
    """Share of the objects found before that may be missing."""
    max_score_change: float
    watch_s: float
    """For so long errors bring the version before back."""
    max_error_rate: float


def at_sites(limit: int | None = None) -> Call[PageOf[ModelShown]]:
    """Go through what each site runs of each model."""
    return pages(ModelShown, "models", limit=limit)


def rollouts(limit: int | None = None) -> Call[PageOf[WishShown]]:
    """Go through the releases that were published, site by site, and how they stand there."""
    return pages(WishShown, "models", "rollouts", limit=limit)


def upload(weights: bytes) -> Call[Uploaded]:
    """Upload a file of weights (ONNX), up to 512 MiB, to be published within an hour."""
    sha256 = hashlib.sha256(weights).hexdigest()
    return Call(
        "PUT",
        place("models", "weights", sha256),
        reader(Uploaded),
        content=weights,
        headers={"Content-Type": "application/octet-stream"},
        timeout_s=UPLOAD_TIMEOUT_S,
    )


def publish(
    model: str,
    card: str,
    sites: Sequence[str],
    sha256: str | None = None,
    **bounds: Unpack[ReleaseOf],
) -> Call[Wishes]:
    """Have sites take up a card and weights; ``sha256`` is of weights that were uploaded."""
    json = {"card": card, "sha256": sha256, "sites": list(sites), **bounds}
    return post(Wishes, "models", model, "releases", json=json)


def withdraw(model: str, sites: Sequence[str]) -> Call[Wishes]:
    """Take releases back: the sites return to what they ran before."""
    return post(Wishes, "models", model, "withdrawals", json={"sites": list(sites)})
