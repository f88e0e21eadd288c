"""The audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field


class Entry(BaseModel):
    """Who did what, chained to the entry before."""

    n: int
    at: datetime
    actor_kind: str = Field(description="user, key, operator (of the cloud), nobody.")
    actor_id: UUID
    actor_name: str
    session_id: UUID | None
    source: str = Field(description="Address that the request came from.")
    action: str
    subject: str
    details: dict[str, Any]
    previous: str = Field(description="Hash of the entry before, hexadecimal.")
    hash: str = Field(description="Over all the rest: SHA-256, hexadecimal.")
