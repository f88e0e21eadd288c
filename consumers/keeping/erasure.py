"""What is to be erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Everything of a site's camera (None: of all its cameras) in ``[from_at, to_at)``."""

    erasure_id: UUID
    organisation_id: UUID
    site: str
    camera: str | None
    from_at: datetime
    to_at: datetime
    state: str
    report: dict[str, Any]
