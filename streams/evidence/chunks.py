"""Evidence as records: cut into chunks, named and hashed."""

from __future__ import annotations

import hashlib
from typing import Literal

from schemas.ids import evidence_id
from schemas.records import Evidence
from streams.evidence.requests import Request

CHUNK_BYTES = 8 << 20
"""Leaves room for the rest of the record below the topic's limit of 10 MiB."""
REVISION = {"ok": 2, "expired": 1, "failed": 1}
"""After a restart, the word that frames have expired must not take the place of a picture."""


def found(
    request: Request,
    content_type: str,
    data: bytes,
    from_at: int,
    to_at: int,
    chunk_bytes: int = CHUNK_BYTES,
) -> tuple[Evidence, ...]:
    """Return ``data`` as records of at most ``chunk_bytes`` each; times are those shown."""
    parts = [data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes)] or [b""]
    sha256 = hashlib.sha256(data).hexdigest()
    return tuple(
        Evidence(
            evidence_id=evidence_id(request.subject, request.kind),
            site=request.site,
            camera=request.camera,
            event_id=request.event_id,
            candidate_id=request.candidate_id,
            kind=request.kind,
            status="ok",
            content_type=content_type,
            sha256=sha256,
            size=len(data),
            chunk=number,
            chunks=len(parts),
            from_at=from_at,
            to_at=to_at,
            revision=REVISION["ok"],
            data=part,
        )
        for number, part in enumerate(parts)
    )


def missing(request: Request, status: Literal["expired", "failed"], reason: str) -> Evidence:
    """Return the record that says why there is none."""
    return Evidence(
        evidence_id=evidence_id(request.subject, request.kind),
        site=request.site,
        camera=request.camera,
        event_id=request.event_id,
        candidate_id=request.candidate_id,
        kind=request.kind,
        status=status,
        reason=reason,
        content_type="",
        sha256="",
        size=0,
        chunk=0,
        chunks=1,
        from_at=request.from_at,
        to_at=request.to_at,
        revision=REVISION[status],
        data=b"",
    )
