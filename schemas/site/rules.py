"""A rule: what it waits for, when it holds, and what becomes of a match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from schemas.site.entry import Entry
from schemas.site.faults import Finding
from schemas.site.schedule import Schedule
from schemas.site.values import (
    Duration,
    Flag,
    Parsed,
    PositiveDuration,
    Ratio,
    choice,
    labels,
    number,
)
from schemas.site.when import When

GroupBy = Literal["camera", "sensor", "track", "site"]
Severity = Literal["alert", "warning", "info"]
Mode = Literal["live", "shadow"]
_CLIP_S = number(0, 600)


class Group(Entry):
    """Which candidates of a rule belong to one event."""

    by: Annotated[GroupBy, choice("camera", "sensor", "track", "site")] = "camera"
    """What they have in common."""
    within_s: PositiveDuration = 30.0
    """Seconds since the last one; what comes exactly then is too late."""


class Count(Entry):
    """How many matches of `when` make one."""

    at_least: Annotated[int, number(1, 1000, integer=True)]
    """Matches."""
    within_s: PositiveDuration
    """Seconds in which they come."""


class Clip(Entry):
    """The part of the video that is kept with an event, around its `opened_t`."""

    before_s: Annotated[float, _CLIP_S]
    """Seconds before."""
    after_s: Annotated[float, _CLIP_S]
    """Seconds after."""

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> Iterator[Finding]:
        """Refuse a clip of no length."""
        if values.get("before_s") == 0 and values.get("after_s") == 0:
            yield Finding((), "the clip has no length", "before_s or after_s above 0")


class Evidence(Entry):
    """What is kept with an event."""

    snapshot: Flag = True
    """The best frame."""
    clip: Clip | None = None
    """A piece of video; none where not given."""


def _parse_notify(value: Any) -> tuple[str, ...]:
    return () if value in (None, [], ()) else _TARGETS.parse(value)


_TARGETS = labels()


class Rule(Entry):
    """One rule of the site."""

    when: When
    """A trigger or a composition of triggers."""
    schedule: Schedule = None
    """Local wall-clock windows in which it holds; always where not given."""
    armed: Annotated[tuple[str, ...] | None, labels(word="always")] = None
    """Modes in which it holds, as set by command; always where not given."""
    min_score: Ratio = 0.0
    """Least mean score of the track so far."""
    group: Group = Group()
    """Which matches make one event; a camera's within 30 s of the last."""
    count: Count | None = None
    """How many matches of `when` make one; each where not given."""
    cooldown_s: Duration = 0.0
    """Seconds after an event closes in which matches open nothing."""
    severity: Annotated[Severity, choice("alert", "warning", "info")] = "warning"
    """How serious it is."""
    mode: Annotated[Mode, choice("live", "shadow")] = "live"
    """Whether it is acted on, or only recorded."""
    evidence: Evidence = Evidence()
    """What is kept with an event."""
    notify: Annotated[
        tuple[str, ...],
        Parsed(
            _parse_notify, {"type": "array", "items": _TARGETS.schema["items"], "uniqueItems": True}
        ),
    ] = ()
    """Names of local targets (webhook, MQTT)."""
