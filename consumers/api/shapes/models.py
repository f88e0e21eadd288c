"""Models at sites and the releases that were published."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class ModelShown(BaseModel):
    """A model at a site, by the site's last word."""

    model: str
    site: str
    state: str = Field(
        description="applied, refused, rolled-back, overruled, withdrawn, waiting or imported."
    )
    message: str = Field(description="Why, for a person.")
    wanted: str = Field(description="The release that the site answers; empty: none.")
    running: str = Field(description="The release that runs; empty: nothing.")
    running_version: int = Field(description="Its number in the site's Triton; 0: nothing.")
    running_sha256: str = Field(description="Of the weights that run.")
    said_at: datetime


class WishShown(BaseModel):
    """A release that was published and not withdrawn."""

    model: str
    site: str | None = Field(description="Null: for all sites, by whoever runs the cloud.")
    release: str = Field(description="Names card and weights.")
    sha256: str = Field(description="Of the weights; empty: none.")
    size: int = Field(description="Bytes of the weights.")
    published_at: datetime
    state: str = Field(description="As of models, or `no receipt`.")
    message: str


class Uploaded(BaseModel):
    """Weights that may be published."""

    sha256: str
    size: int


class Wishes(BaseModel):
    """What was published or withdrawn."""

    items: list[WishShown]
