"""Evidence as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from consumers.api.shapes.common import Shown


class Evidence(Shown):
    """A picture or clip, or the word that there is none."""

    evidence_id: str
    site: str
    camera: str
    event_id: str | None
    candidate_id: str | None
    kind: Literal["snapshot", "clip"]
    status: Literal["ok", "expired", "failed"] = Field(
        description="Only what is ok has content; `reason` says why the others have none."
    )
    reason: str | None
    content_type: str
    sha256: str
    size: int = Field(description="Bytes.")
    from_at: datetime
    to_at: datetime


class EvidenceLink(Shown):
    """A link that anybody may open until it expires."""

    url: str
    expires_at: datetime
