"""Candidates, and what operators said of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from consumers.api.shapes.common import Shown
from consumers.api.shapes.evidence import Evidence

Verdict = Literal["accepted", "suppressed", "cooling", "shadow"]


class Candidate(Shown):
    """One match of a rule, and what the filter made of it."""

    candidate_id: str
    site: str
    camera: str
    rule: str
    sensor: str
    track: str | None
    class_name: str | None
    matched_at: datetime
    decided_at: datetime
    verdict: str = Field(description="accepted, suppressed, cooling or shadow.")
    event_id: str | None = Field(description="The event that it opened or went into.")
    score: float
    reasons: JsonValue = Field(description="Each check with what it found and what that weighed.")
    revision: int
    config_version: int


class Word(Shown):
    """What an operator told the site, and what became of it."""

    feedback_id: str
    verdict: Literal["confirmed", "dismissed", "ignored_here"]
    author: str
    said_at: datetime
    sent_at: datetime | None = Field(description="When Kafka took it; null: it is on its way.")
    receipt: str | None = Field(
        description="What the site answered: applied or refused; null: nothing yet."
    )
    receipt_at: datetime | None
    receipt_errors: JsonValue = Field(default=None, description="Why the site refused it.")


class CandidateDetails(Candidate):
    """A candidate with what belongs to it."""

    provenance: JsonValue
    evidence: list[Evidence]
    words: list[Word]
