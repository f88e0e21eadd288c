"""What a check is: one named, independent piece of evidence about one track of a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from schemas.records import TrackReport


@dataclass(frozen=True, slots=True)
class Subject:
    """One track of a candidate, as far as it is known at the time of judging."""

    track: str
    triggers: frozenset[str]
    """Kinds of the candidate's triggers that this track gave, e.g. ``crossed``."""
    score: float
    """Mean score so far: of the newest report, else of the trigger."""
    report: TrackReport | None
    """The newest; None where none has come yet."""
    min_score: float
    """The rule's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's answer: whether the track passes, the value compared, and a confidence 0..1."""

    favours: bool
    value: float
    confidence: float


class Check(Protocol):
    """A check reads a subject and nothing else."""

    @property
    def name(self) -> str:
        """The name that reasons carry."""

    def judge(self, subject: Subject) -> Finding | None:
        """Return the finding, or None where the check has nothing to say of this track."""
