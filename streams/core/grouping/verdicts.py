"""The final verdict on one candidate."""

from __future__ import annotations

from typing import Literal

from schemas.records import Decision, Verdict
from streams.core.grouping.provenance import reasons_json, verdict_json


def verdict_on(
    decision: Decision,
    verdict: Literal["accepted", "suppressed", "cooling", "shadow"],
    event_id: str | None,
) -> Verdict:
    """Return the record; its revision is that of the decision."""
    candidate = decision.candidate
    return Verdict(
        candidate_id=candidate.candidate_id,
        site=candidate.site,
        camera=candidate.camera,
        rule=candidate.rule,
        sensor=candidate.sensor,
        track=candidate.track,
        class_name=candidate.class_name,
        matched_at=candidate.matched_at,
        decided_at=decision.decided_at,
        verdict=verdict,
        event_id=event_id,
        score=decision.score,
        reasons=reasons_json(decision.reasons),
        revision=decision.revision,
        config_version=candidate.config_version,
        provenance=verdict_json(candidate),
    )
