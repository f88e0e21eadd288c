"""Candidates that wait for their tracks to pass, and the reports that they are judged by."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from schemas.records import Candidate, Decision, Reason, TrackReport
from streams.core.checks.judge import Judgement, Jury, judge, newest_reports, tracks_of
from streams.core.learning.place import Learned

PATIENCE_MS = 10_000
"""A candidate is suppressed this long after its match's known time without an acceptance."""
PENDING_LIMIT = 1024
"""Candidates that wait; beyond, the one that has waited longest is suppressed at once."""
REPORT_LIMIT = 1024
"""Tracks whose last report is remembered; beyond, the oldest is forgotten."""


class Pending(Struct):
    """A candidate that has not passed yet; its own ``min_score`` holds to the end."""

    candidate: Candidate
    min_score: float
    deadline_at: int
    tracks: list[str]
    reports: dict[str, TrackReport]
    """The newest of each track."""


def wait(candidate: Candidate, min_score: float, remembered: dict[str, TrackReport]) -> Pending:
    """Gather all that is known of a candidate's tracks."""
    reports = newest_reports(candidate)
    tracks = tracks_of(candidate)
    for track in tracks:
        known = remembered.get(track)
        if known is not None and (track not in reports or known.at > reports[track].at):
            reports[track] = known
    deadline_at = candidate.known_at + PATIENCE_MS
    return Pending(candidate, min_score, deadline_at, list(tracks), reports)


def accept(pending: Pending, at: int, jury: Jury, known: Mapping[str, Learned]) -> Decision | None:
    """Accept the candidate at ``at`` if every track passes by what is ``known`` of its camera."""
    judgement = _judge(pending, jury, known)
    return _decision(pending, judgement, at, judgement.reasons) if judgement.passed else None


def suppress(
    pending: Pending, at: int, jury: Jury, known: Mapping[str, Learned], *reasons: Reason
) -> Decision:
    """Suppress the candidate at ``at``, with the checks' last word and any ``reasons`` besides."""
    judgement = _judge(pending, jury, known)
    return _decision(pending, judgement, at, (*judgement.reasons, *reasons), suppressed=True)


def _judge(pending: Pending, jury: Jury, known: Mapping[str, Learned]) -> Judgement:
    return judge(pending.candidate, pending.reports, pending.min_score, jury, known)


def _decision(
    pending: Pending,
    judgement: Judgement,
    at: int,
    reasons: tuple[Reason, ...],
    *,
    suppressed: bool = False,
) -> Decision:
    return Decision(
        candidate=pending.candidate,
        verdict="suppressed" if suppressed else "accepted",
        decided_at=at,
        score=judgement.score,
        reasons=reasons,
    )
