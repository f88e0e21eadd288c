"""An event's whole provenance as a tree for a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rich.markup import escape
from rich.tree import Tree


def tree_of(details: Any) -> Tree:
    """Return the tree of an event's details, from the store or from the site's topics."""
    event = details.event
    tree = Tree(f"[bold]event {event.event_id}[/]  {escape(event.rule)} on {escape(event.camera)}")
    tree.add(
        f"{event.state}, revision {event.revision}, severity {event.severity}, mode {event.mode}, "
        f"verdict {event.verdict}, score {event.score:.3f}"
    )
    times = tree.add("life")
    for change in details.changes:
        times.add(f"{_time(change.at)}  {change.state} (revision {change.revision})")
    tree.add(
        f"configuration version {event.config_version}, model {event.model or '?'} "
        f"version {event.model_version or '?'}"
    )
    for candidate in _value(event.provenance) or ():
        _add_candidate(tree, candidate)
    evidence = tree.add("evidence")
    for row in details.evidence:
        why = f", {escape(row.reason)}" if row.reason else ""
        evidence.add(
            f"{row.kind} {row.status}{why}: {row.content_type}, {row.size} bytes, "
            f"sha256 {row.sha256[:16]}…"
        )
    if not details.evidence:
        evidence.add("none yet")
    return tree


def _add_candidate(tree: Tree, candidate: dict[str, Any]) -> None:
    branch = tree.add(
        f"candidate {candidate['candidate']}: matched {_time(candidate['matched_at'])}, "
        f"decided {_time(candidate['decided_at'])}"
    )
    level = candidate.get("level")
    if level is not None:
        branch.add(f"TMA-AVS-01 level {level['level']}: {escape(level['rule'])}")
    reasons = branch.add(f"verdict {candidate['verdict']}, score {candidate['score']:.3f}")
    for reason in candidate["reasons"]:
        side = "for" if reason["for"] else "against"
        reasons.add(f"{reason['check']} speaks {side} it: {reason['value']:.3f}")
    branch.add(
        f"track {candidate['track']} ({candidate['class']}), sensor {candidate['sensor']}, "
        f"configuration version {candidate['config_version']}"
    )
    _add_frame(branch, "shown by", candidate["frame"])
    for trigger in candidate["triggers"]:
        direction = f" {trigger['direction']}" if trigger["direction"] else ""
        node = branch.add(
            f"trigger {trigger['trigger_id']}: {trigger['sensor']} {trigger['trigger']}{direction} "
            f"at {_time(trigger['triggered_at'])}, known {_time(trigger['known_at'])}"
        )
        score = "" if trigger["score"] is None else f", mean score {trigger['score']:.3f}"
        node.add(f"track {trigger['track']}: {trigger['class']}{score}")
        node.add(f"detections by {trigger['model']} version {trigger['model_version']}")
        for model, scores in trigger.get("attributes", {}).items():
            said = ", ".join(f"{label} {score:.3f}" for label, score in scores.items())
            node.add(f"{model} says of the object: {said or 'nothing'}")
        _add_frame(node, "its track was seen best in", trigger["frame"])


def _add_frame(tree: Tree, what: str, frame: dict[str, Any] | None) -> None:
    if frame is None:
        return
    box = ", ".join(f"{edge:.3f}" for edge in frame["box"])
    tree.add(
        f"{what}: frames[{frame['partition']}]@{frame['offset']} of "
        f"{_time(frame['captured_at'])}, box {box}, score {frame['score']:.3f}"
    )


def _value(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


def _time(at: Any) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) else at.astimezone(UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}Z"
