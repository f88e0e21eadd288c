"""Decisions, and what the group stage makes of them, for its tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.records import Candidate, Decision, Event, Judged, Reason, Verdict
from streams.core.group import Grouped, GroupPlan, GroupState, new_state, step
from tests.unit.streams.core.rules.scenario import SITE, configuration, term, trigger

PLAIN = {"when": term("door"), "severity": "alert"}


def decision(
    decided_at: int,
    track: str | None = "a",
    *,
    name: str = "",
    verdict: Any = "accepted",
    score: float = 0.8,
    matched_at: int | None = None,
    rule: str = "rule",
    sensor: str = "door",
    shadow: bool = False,
) -> Decision:
    at = decided_at if matched_at is None else matched_at
    made = trigger(sensor, at, track)
    candidate = Candidate(
        candidate_id=name or f"{rule}:{sensor}:{track}:{decided_at}",
        site=SITE,
        rule=rule,
        camera="gate",
        sensor=sensor,
        track=track,
        matched_at=at,
        known_at=at,
        class_name=made.class_name,
        score=0.8,
        shadow=shadow,
        best=None if made.report is None else made.report.best,
        config_version=1,
        triggers=(made,),
    )
    reasons = (Reason(check="moved", favours=verdict == "accepted", value=0.9),)
    return Decision(
        candidate=candidate, verdict=verdict, decided_at=decided_at, score=score, reasons=reasons
    )


def records(decisions: Sequence[Decision], beats: Sequence[int] = ()) -> list[Judged]:
    timed = [(d.decided_at, 0, (d,)) for d in decisions] + [(at, 1, ()) for at in beats]
    return [
        Judged(
            site=SITE,
            key="gate",
            n=n,
            at=at,
            config_version=1,
            beat="online" if is_beat else None,
            decisions=decided,
        )
        for n, (at, is_beat, decided) in enumerate(sorted(timed, key=lambda one: one[:2]), start=1)
    ]


def grouped(
    decisions: Sequence[Decision],
    beats: Sequence[int] = (),
    *,
    revive: bool = False,
    **rules: Any,
) -> Grouped:
    plan = GroupPlan.compile(configuration(**(rules or {"rule": PLAIN})), 1)
    state = new_state(SITE, "gate")
    events: list[Event] = []
    verdicts: list[Verdict] = []
    for one in records(decisions, beats):
        if revive:
            state = msgspec.msgpack.Decoder(GroupState).decode(msgspec.msgpack.encode(state))
        state, output = step(state, one, plan)
        assert output.dropped is None
        events += output.events
        verdicts += output.verdicts
    return Grouped(tuple(events), tuple(verdicts))


def told(events: Sequence[Event]) -> list[tuple[str, int, int]]:
    return [(event.state, event.revision, event.at) for event in events]
