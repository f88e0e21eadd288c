"""Configurations, triggers and runs for the tests of match, filter and group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from schemas.records import Candidate, FrameReference, Matched, Sensed, TrackReport, Trigger
from schemas.site import SiteConfig
from streams.core.match import MatchPlan, MatchState, finish, new_state, step

SITE = "depot-7"
LINE = [[0.4, 0.2], [0.4, 0.6]]
SQUARE = [[0.1, 0.5], [0.6, 0.5], [0.6, 1.0], [0.1, 1.0]]
SENSORS: dict[str, Any] = {
    "door": {"camera": "gate", "kind": "line", "points": LINE},
    "path": {"camera": "gate", "kind": "line", "points": LINE},
    "lawn": {"camera": "gate", "kind": "zone", "points": SQUARE, "dwell_s": 3},
    "lens": {"camera": "gate", "kind": "tamper"},
    "hatch": {"camera": "yard", "kind": "line", "points": LINE},
}


def term(sensor: str, trigger: str = "crossed", **more: Any) -> dict[str, Any]:
    return {"sensor": sensor, "trigger": trigger, **more}


def configuration(timezone: str = "UTC", **rules: dict[str, Any]) -> SiteConfig:
    camera = {"source": "synthetic:walkers"}
    return SiteConfig.model_validate(
        {
            "version": 1,
            "site": SITE,
            "timezone": timezone,
            "cameras": {"gate": camera, "yard": camera},
            "sensors": SENSORS,
            "rules": rules,
        }
    )


def report(track: str, at: int, displacement: float = 2.0, score: float = 0.8) -> TrackReport:
    best = FrameReference(
        partition=3, offset=at, captured_at=at, box=(0.1, 0.2, 0.2, 0.5), score=0.9
    )
    return TrackReport(
        track=track,
        at=at,
        class_name="person",
        score=score,
        observations=5,
        age_ms=1000,
        displacement=displacement,
        box_height=0.3,
        best=best,
    )


def trigger(
    sensor: str,
    at: int,
    track: str | None = "a",
    *,
    kind: str = "crossed",
    known_at: int | None = None,
    camera: str = "gate",
    direction: str | None = None,
    class_name: str | None = "person",
    moved: float = 2.0,
    score: float = 0.8,
) -> Trigger:
    known = at if known_at is None else known_at
    return Trigger(
        trigger_id=f"{sensor}:{kind}:{track}:{at}",
        site=SITE,
        camera=camera,
        epoch_at=0,
        sensor=sensor,
        trigger=kind,
        direction=direction,
        track=track,
        class_name=class_name if track else None,
        score=score if track else None,
        triggered_at=at,
        since_at=at,
        known_at=known,
        model="yolox",
        model_version="1",
        config_version=1,
        report=report(track, known, moved, score) if track else None,
    )


def sensed(
    n: int,
    at: int,
    triggers: Iterable[Trigger] = (),
    *,
    beat: Any = None,
    key: str = "gate",
    epoch_at: int | None = 0,
    reports: Iterable[TrackReport] = (),
    version: int = 1,
) -> Sensed:
    return Sensed(
        site=SITE,
        key=key,
        n=n,
        at=at,
        epoch_at=epoch_at,
        config_version=version,
        beat=beat,
        triggers=tuple(triggers),
        reports=tuple(reports),
    )


def records(triggers: Sequence[Trigger], beats: Iterable[int] = (), start: int = 0) -> list[Sensed]:
    """One record for each known time, first an empty one at ``start``, and the beats between."""
    times = sorted({start, *(t.known_at for t in triggers)})
    timed: list[tuple[int, int, list[Trigger]]] = [
        (at, 0, [t for t in triggers if t.known_at == at]) for at in times
    ]
    timed += [(at, 1, []) for at in beats]
    return [
        sensed(n, at, found, beat="online" if is_beat else None)
        for n, (at, is_beat, found) in enumerate(sorted(timed, key=lambda one: one[:2]))
    ]


def revived(state: MatchState) -> MatchState:
    return msgspec.msgpack.Decoder(MatchState).decode(msgspec.msgpack.encode(state))


def matched(
    config: SiteConfig, inputs: Sequence[Sensed], *, key: str = "gate", revive: bool = False
) -> list[Matched]:
    plan = MatchPlan.compile(config, key, 1)
    state = new_state(SITE, key)
    outputs = []
    for one in inputs:
        state, matching = step(revived(state) if revive else state, one, plan)
        assert matching.dropped is None
        if matching.matched is not None:
            outputs.append(matching.matched)
    finish(state)
    return outputs


def candidates(
    when: dict[str, Any],
    triggers: Sequence[Trigger],
    *,
    beats: Iterable[int] = (),
    start: int = 0,
    timezone: str = "UTC",
    **rule: Any,
) -> list[Candidate]:
    """What one rule makes of the triggers; time ends with the last beat or trigger."""
    config = configuration(timezone, rule={"when": when, **rule})
    outputs = matched(config, records(triggers, beats, start))
    return [candidate for output in outputs for candidate in output.candidates]


def ids(found: Iterable[Candidate]) -> list[tuple[str, ...]]:
    """Sensor and time of each candidate's triggers."""
    return [tuple(f"{t.sensor}@{t.triggered_at}" for t in one.triggers) for one in found]
