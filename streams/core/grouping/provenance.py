"""Where an event and a verdict come from, as JSON text: the same facts, the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from schemas.records import Candidate, Decision, FrameReference, Reason, Trigger
from streams.core.checks.features import features_of
from streams.core.grouping.level import level_of

TRIGGER_LIMIT = 20
"""Triggers told of one candidate, the last ones."""


def reasons_json(reasons: Iterable[Reason]) -> str:
    """Return the array that verdicts carry.

    >>> reasons_json([Reason(check="moved", favours=True, value=0.9)])
    '[{"check":"moved","for":true,"value":0.9,"weight":0.0}]'
    """
    return compact(_reasons(reasons))


def decision_json(decision: Decision, severity: str = "warning") -> str:
    """Return the whole chain behind one accepted candidate, as ``events explain`` prints it.

    Keys: ``candidate, matched_at, known_at, decided_at, verdict, score, camera, sensor, track,
    class, frame, config_version, reasons, level, triggers``; ``level`` is ``{level, rule}`` after
    TMA-AVS-01, for a rule of this ``severity``, and an event's is the highest; a trigger has
    ``trigger_id, sensor, trigger,
    direction, track, class, score, triggered_at, since_at, known_at, frame, model,
    model_version`` and, where a second stage looked at its track, ``attributes``; a frame ``partition, offset, captured_at, box, score``. Times are UTC ms.
    """
    candidate = decision.candidate
    level = level_of(decision, severity)
    return compact(
        {
            "candidate": candidate.candidate_id,
            "level": {"level": level.level, "rule": level.rule},
            "matched_at": candidate.matched_at,
            "known_at": candidate.known_at,
            "decided_at": decision.decided_at,
            "verdict": decision.verdict,
            "score": decision.score,
            "camera": candidate.camera,
            "sensor": candidate.sensor,
            "track": candidate.track,
            "class": candidate.class_name,
            "frame": _frame(candidate.best),
            "config_version": candidate.config_version,
            "reasons": _reasons(decision.reasons),
            "triggers": [_trigger(trigger) for trigger in candidate.triggers[-TRIGGER_LIMIT:]],
        }
    )


def verdict_json(candidate: Candidate) -> str:
    """Return what a verdict tells: the best frame with the box in it, the triggers, the model."""
    model, model_version = model_of(candidate)
    return compact(
        {
            "frame": _frame(candidate.best),
            "triggers": [trigger.trigger_id for trigger in candidate.triggers],
            "model": model,
            "model_version": model_version,
        }
    )


def model_of(candidate: Candidate) -> tuple[str, str]:
    """Return the model and its version behind the last trigger; empty where there is none."""
    if not candidate.triggers:
        return "", ""
    return candidate.triggers[-1].model, candidate.triggers[-1].model_version


def compact(value: Any) -> str:
    """Return JSON with sorted keys and no spaces.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _reasons(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    return [
        {"check": r.check, "for": r.favours, "value": r.value, "weight": r.weight} for r in reasons
    ]


def _trigger(trigger: Trigger) -> dict[str, Any]:
    return {
        "trigger_id": trigger.trigger_id,
        "sensor": trigger.sensor,
        "trigger": trigger.trigger,
        "direction": trigger.direction,
        "track": trigger.track,
        "class": trigger.class_name,
        "score": trigger.score,
        "triggered_at": trigger.triggered_at,
        "since_at": trigger.since_at,
        "known_at": trigger.known_at,
        "frame": None if trigger.report is None else _frame(trigger.report.best),
        "model": trigger.model,
        "model_version": trigger.model_version,
        **_attributes(trigger),
    }


def _attributes(trigger: Trigger) -> dict[str, Any]:
    report = trigger.report
    found = {} if report is None else features_of(report.details).attributes
    return {"attributes": found} if found else {}


def _frame(reference: FrameReference | None) -> dict[str, Any] | None:
    if reference is None:
        return None
    return {
        "partition": reference.partition,
        "offset": reference.offset,
        "captured_at": reference.captured_at,
        "box": list(reference.box),
        "score": reference.score,
    }
