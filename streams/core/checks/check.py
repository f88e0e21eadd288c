"""What a check is: one named, independent piece of evidence about one track of a candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from schemas.records import TrackReport
from streams.core.checks.features import Features
from streams.core.learning.place import Learned

PERSON = "person"


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
    rule: str = ""
    anchor: tuple[float, ...] | None = None
    """Where its last trigger was given."""
    features: Features = field(default_factory=Features)
    learned: Learned | None = None
    """What the filter has learned of the track's camera; None: nothing yet."""

    @property
    def displacement(self) -> float:
        """Largest distance from where it began, in box heights; 0 without a report."""
        return 0.0 if self.report is None else self.report.displacement

    @property
    def age_s(self) -> float:
        """How long it has been seen."""
        return 0.0 if self.report is None else self.report.age_ms / 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's answer.

    ``weight`` is a log-likelihood ratio, natural: how many times likelier what it saw is of a real
    object than of a false one. A ``veto`` decides against the track whatever the others say.
    """

    value: float
    """What was compared; each check says what it is."""
    weight: float
    veto: bool = False

    @property
    def favours(self) -> bool:
        """Whether it speaks for a real object."""
        return not self.veto and self.weight >= 0


class Check(Protocol):
    """A check reads a subject and nothing else."""

    @property
    def name(self) -> str:
        """The name that reasons carry."""

    def judge(self, subject: Subject) -> Finding | None:
        """Return the finding, or None where the check has nothing to say of this track."""


def between(least: float, value: float, most: float) -> float:
    """Return ``value``, held between two limits.

    >>> between(-1, 3.5, 2)
    2
    """
    return max(least, min(value, most))
