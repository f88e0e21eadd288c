"""All checks on all tracks of a candidate, joined into reasons and one score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.records import Candidate, Reason, TrackReport
from streams.core.checks.check import Check, Finding, Subject


@dataclass(frozen=True, slots=True)
class Judgement:
    """``passed``: every check favours every track; ``score`` 0..1 joins the confidences."""

    passed: bool
    score: float
    reasons: tuple[Reason, ...]


def tracks_of(candidate: Candidate) -> tuple[str, ...]:
    """Return the tracks of the candidate's triggers, each once, in order."""
    named = (trigger.track for trigger in candidate.triggers)
    return tuple(dict.fromkeys(track for track in named if track is not None))


def judge(
    candidate: Candidate,
    reports: Mapping[str, TrackReport],
    min_score: float,
    checks: Sequence[Check],
) -> Judgement:
    """Judge a candidate by the newest report of each of its tracks.

    Each check gives one reason, that of the track that passes it least; the score is the product
    over the checks of the least confidence. A candidate without tracks passes with score 1.
    """
    subjects = [
        _subject(candidate, track, reports.get(track), min_score) for track in tracks_of(candidate)
    ]
    reasons: list[Reason] = []
    score = 1.0
    for check in checks:
        weakest = _weakest(check.judge(subject) for subject in subjects)
        if weakest is not None:
            reasons.append(Reason(check=check.name, favours=weakest.favours, value=weakest.value))
            score *= weakest.confidence
    return Judgement(all(reason.favours for reason in reasons), score, tuple(reasons))


def newest_reports(candidate: Candidate) -> dict[str, TrackReport]:
    """Return the newest report of each track that the candidate's own triggers carry."""
    newest: dict[str, TrackReport] = {}
    for trigger in candidate.triggers:
        report = trigger.report
        if report is not None and trigger.track is not None:
            known = newest.get(trigger.track)
            newest[trigger.track] = report if known is None or known.at <= report.at else known
    return newest


def _subject(
    candidate: Candidate, track: str, report: TrackReport | None, min_score: float
) -> Subject:
    own = [trigger for trigger in candidate.triggers if trigger.track == track]
    scores = [trigger.score for trigger in own if trigger.score is not None]
    return Subject(
        track=track,
        triggers=frozenset(trigger.trigger for trigger in own),
        score=report.score if report is not None else scores[-1] if scores else 0.0,
        report=report,
        min_score=min_score,
    )


def _weakest(findings: Iterable[Finding | None]) -> Finding | None:
    present = [finding for finding in findings if finding is not None]
    return min(present, key=lambda f: (f.favours, f.confidence, f.value), default=None)
