"""Finished tracks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class StayShown(BaseModel):
    """A stay inside the polygon."""

    from_at: datetime
    until_at: datetime


class CrossingShown(BaseModel):
    """A crossing of the line."""

    at: datetime
    direction: Literal["forward", "backward"]


class TrackShown(BaseModel):
    """A finished track, without its path."""

    site: str
    track_id: str
    camera: str
    epoch_at: datetime
    class_name: str
    score_mean: float
    score_max: float
    observations: int
    started_at: datetime
    ended_at: datetime
    zones: list[str]
    colours: list[str]
    config_version: int
    model: str
    model_version: str


class TrackFound(TrackShown):
    """A track that was searched for, and when it was there."""

    stays: list[StayShown] = Field(description="Inside `within`, those that touch the times.")
    crossings: list[CrossingShown] = Field(description="Of `across`, between the times.")


class PlaceShown(BaseModel):
    """Where the object stood at a time: 0 to 1 from the top left."""

    at: datetime
    x: float
    y: float


class WholeTrack(TrackShown):
    """A finished track with its path."""

    path: list[PlaceShown] = Field(description="Simplified.")
