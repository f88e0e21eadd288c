"""Signed links to pictures, as the API answers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from consumers.notify.links import SnapshotLink
from infra.runtime.settings import Settings


def snapshot_link(settings: Settings, public_url: str) -> SnapshotLink:
    """Return what signs links to a row of evidence."""

    def link(organisation_id: UUID, evidence: Mapping[str, Any]) -> str:
        return f"{public_url}/api/v1/evidence/{evidence['evidence_id']}"

    return link
