"""The files that a replay writes: triggers, events, verdicts as JSON lines, tracks as MOTChallenge.

Times are seconds since the first frame of the replay, three decimals; keys stand in the order of
the site configuration's contract, so equal runs give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.cli.motchallenge import track_row
from infra.cli.pipeline import Results
from schemas.errors import Rejected
from schemas.records import Event, Sensed, Trigger, Verdict

_DECIMALS = 6


def trigger_lines(sensed: Iterable[Sensed], first_at: int) -> Iterator[str]:
    """Yield the lines of ``--triggers-out``, ordered as they became known."""
    found = [trigger for message in sensed for trigger in message.triggers]
    found.sort(key=lambda t: (t.known_at, t.triggered_at, t.camera, t.sensor, t.track or ""))
    for trigger in found:
        yield _line(_trigger(trigger, first_at))


def event_lines(events: Iterable[Event], first_at: int) -> Iterator[str]:
    """Yield the lines of ``--events-out``, ordered by time."""
    for event in sorted(events, key=lambda e: e.at):
        yield _line(
            {
                "event": event.event_id,
                "state": event.state,
                "revision": event.revision,
                "t": _seconds(event.at, first_at),
                "rule": event.rule,
                "camera": event.camera,
                "severity": event.severity,
                "opened_t": _seconds(event.opened_at, first_at),
                "closed_t": None
                if event.closed_at is None
                else _seconds(event.closed_at, first_at),
                "triggers": event.triggers,
                "tracks": json.loads(event.tracks),
                "score": round(event.score, _DECIMALS),
                "verdict": event.verdict,
            }
        )


def verdict_lines(verdicts: Iterable[Verdict], first_at: int) -> Iterator[str]:
    """Yield the lines of ``--verdicts-out``, ordered by the time of decision."""
    for verdict in sorted(verdicts, key=lambda v: v.decided_at):
        yield _line(
            {
                "candidate": verdict.candidate_id,
                "event": verdict.event_id,
                "t": _seconds(verdict.decided_at, first_at),
                "rule": verdict.rule,
                "verdict": verdict.verdict,
                "score": round(verdict.score, _DECIMALS),
                "reasons": json.loads(verdict.reasons),
            }
        )


def track_lines(results: Results, sizes: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Yield the lines of ``--tracks-out``: integer ids from 1 in the order of first appearance."""
    for camera, observations in results.observations.items():
        rows = sorted(observations, key=lambda o: (o.seq, o.track))
        numbers: dict[str, int] = {}
        for row in rows:
            number = numbers.setdefault(row.track, len(numbers) + 1)
            yield track_row(row.seq + 1, number, row.box, row.score, sizes[camera])


def write(path: Path | None, lines: Iterator[str]) -> None:
    """Write lines to a file, if one was asked for.

    Raises:
        Rejected: the file cannot be written.
    """
    if path is None:
        return
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise Rejected(f"{path} cannot be written: {error.strerror}") from error


def _trigger(trigger: Trigger, first_at: int) -> dict[str, Any]:
    line: dict[str, Any] = {
        "t": _seconds(trigger.triggered_at, first_at),
        "since_t": _seconds(trigger.since_at, first_at),
        "camera": trigger.camera,
        "sensor": trigger.sensor,
        "trigger": trigger.trigger,
    }
    if trigger.direction is not None:
        line["direction"] = trigger.direction
    if trigger.count is not None:
        line["count"] = trigger.count
    line["track"] = trigger.track
    line["class"] = trigger.class_name
    line["score"] = None if trigger.score is None else round(trigger.score, _DECIMALS)
    line["anchor"] = (
        None if trigger.anchor is None else [round(part, _DECIMALS) for part in trigger.anchor]
    )
    return line


def _seconds(at: int, first_at: int) -> float:
    return round((at - first_at) / 1000, 3)


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
