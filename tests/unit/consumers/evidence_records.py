"""Evidence records for the tests of consumers."""

from __future__ import annotations

import hashlib
from typing import Any

from schemas.records import Evidence

AT = 1_700_000_000_000


def evidence_record(data: bytes = b"picture", **changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "evidence_id": "11111111-aaaa-5bbb-8ccc-222222222222",
        "site": "depot-7",
        "camera": "gate",
        "event_id": "e-1",
        "kind": "snapshot",
        "status": "ok",
        "content_type": "image/jpeg",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "chunk": 0,
        "chunks": 1,
        "from_at": AT,
        "to_at": AT,
        "revision": 2,
        "data": data,
    }
    return Evidence(**{**fields, **changes})


def cut(data: bytes, chunks: int, **changes: Any) -> list[Evidence]:
    """Cut an object into ``chunks`` records."""
    ends = [len(data) * n // chunks for n in range(chunks + 1)]
    whole = evidence_record(data, **changes)
    return [
        evidence_record(
            data[ends[n] : ends[n + 1]],
            **{**changes, "sha256": whole.sha256, "size": len(data), "chunk": n, "chunks": chunks},
        )
        for n in range(chunks)
    ]
