"""Orders to sites, and what sites said to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from consumers.api.shapes.configurations import FaultShown

State = Literal["waiting", "applied", "refused", "unanswered"]


class AnswerShown(BaseModel):
    """What a site said to an order."""

    status: str
    faults: list[FaultShown]
    config_version: int
    modes: list[str] = Field(description="Of arming: those that the site is armed in now.")
    until_at: datetime | None = Field(description="Of live view: when it ends by itself.")
    at: datetime


class OrderShown(BaseModel):
    """An order that was sent to a site."""

    command_id: str
    site: str
    name: str
    arguments: dict[str, Any]
    author: str
    issued_at: datetime
    expires_at: datetime
    state: State = Field(description="`unanswered`: the site has not answered in time.")
    answer: AnswerShown | None
