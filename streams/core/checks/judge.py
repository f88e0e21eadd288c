"""All checks on all tracks of a candidate, joined into one score with its reasons.

Each check gives a log-likelihood ratio. Their sum, with even odds before, is the log-odds that the
track is what it seems to be, as of independent evidence (Good, Probability and the Weighing of
Evidence, 1950, chapter 6); the score is its probability.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.records import Candidate, Reason, TrackReport
from streams.core.checks.check import Check, Subject
from streams.core.checks.features import Features, features_of
from streams.core.learning.learn import learned_of
from streams.core.learning.place import Learned

THRESHOLD = 0.4
"""Of the score, chosen on the curve of ``tests.bench.filter``: an event lost costs more than one that is
false."""
VETOED = 0.01
"""The highest score of what one check alone has decided against."""


@dataclass(frozen=True, slots=True)
class Jury:
    """The checks, in the order of their reasons, and the score from which on a candidate passes."""

    checks: tuple[Check, ...]
    threshold: float = THRESHOLD


@dataclass(frozen=True, slots=True)
class Judgement:
    """``score`` 0..1 is the probability of the least convincing track, whose reasons are given."""

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
    jury: Jury,
    known: Mapping[str, Learned],
) -> Judgement:
    """Judge a candidate by the newest report of each of its tracks and what is ``known`` of cameras.

    Every track must pass. A candidate without tracks passes with score 1.
    """
    found = [
        _judge_track(_subject(candidate, track, reports.get(track), min_score, known), jury)
        for track in tracks_of(candidate)
    ]
    return min(found, key=lambda one: one.score, default=Judgement(True, 1.0, ()))


def newest_reports(candidate: Candidate) -> dict[str, TrackReport]:
    """Return the newest report of each track that the candidate's own triggers carry."""
    newest: dict[str, TrackReport] = {}
    for trigger in candidate.triggers:
        report = trigger.report
        if report is not None and trigger.track is not None:
            known = newest.get(trigger.track)
            newest[trigger.track] = report if known is None or known.at <= report.at else known
    return newest


def _judge_track(subject: Subject, jury: Jury) -> Judgement:
    reasons: list[Reason] = []
    total, vetoed = 0.0, False
    for check in jury.checks:
        finding = check.judge(subject)
        if finding is None:
            continue
        total += finding.weight
        vetoed = vetoed or finding.veto
        reasons.append(
            Reason(
                check=check.name,
                favours=finding.favours,
                value=float(finding.value),
                weight=float(finding.weight),
            )
        )
    score = 1 / (1 + math.exp(-total))
    if vetoed:
        score = min(score, VETOED)
    return Judgement(score >= jury.threshold, score, tuple(reasons))


def _subject(
    candidate: Candidate,
    track: str,
    report: TrackReport | None,
    min_score: float,
    known: Mapping[str, Learned],
) -> Subject:
    own = [trigger for trigger in candidate.triggers if trigger.track == track]
    scores = [trigger.score for trigger in own if trigger.score is not None]
    return Subject(
        track=track,
        triggers=frozenset(trigger.trigger for trigger in own),
        score=report.score if report is not None else scores[-1] if scores else 0.0,
        report=report,
        min_score=min_score,
        rule=candidate.rule,
        anchor=own[-1].anchor,
        features=Features() if report is None else features_of(report.details),
        learned=learned_of(known, track),
    )
