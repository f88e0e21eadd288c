"""The drawn scene's ground truth against what reached the cloud."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from infra.cli.platform import Platform
from producers import scene
from schemas.site import SiteConfig, TriggerTerm, parse

TOLERANCE_MS = 1500
WARM_UP_MS = 3000
"""The background model needs some frames before it sees what moves."""
SETTLING_MS = 4000
"""What happened last may still be on its way."""
_TRACK = re.compile(r"-(\d+)-\d+-\d+$")


@dataclass
class RuleComparison:
    """One rule's candidates against the scene's events of that kind."""

    expected: int = 0
    hits: int = 0
    extra: int = 0
    missed: list[int] = field(default_factory=list)
    """Milliseconds since the scene's beginning."""

    @property
    def missed_text(self) -> str:
        """The times missed, in seconds of the scene."""
        return ", ".join(f"{at / 1000:.1f} s" for at in self.missed)


@dataclass(frozen=True)
class Comparison:
    """All rules of the scene's site."""

    rules: dict[str, RuleComparison]


def compare(platform: Platform, began: datetime) -> Comparison | None:
    """Compare what was accepted since ``began`` with the truth; None without the scene's camera."""
    config = parse(scene.site_yaml())
    accepted = _accepted(platform.stack.endpoints.postgres_dsn, began)
    epochs = [int(match[1]) for _, track, _ in accepted if (match := _TRACK.search(track))]
    if not epochs:
        return None
    epoch_at = max(epochs)
    until = platform_now(platform) - epoch_at - SETTLING_MS
    found = [(rule, at - epoch_at) for rule, track, at in accepted if f"-{epoch_at}-" in track]
    seed = config.cameras[scene.CAMERA].source.options.get("seed", 1)
    truth = scene.truth(seed, WARM_UP_MS, max(WARM_UP_MS, until))
    rules = {name: _compare_rule(config, name, found, truth, until) for name in config.rules}
    return Comparison({name: rule for name, rule in rules.items() if rule is not None})


def platform_now(platform: Platform) -> int:
    """Return Postgres' time, UTC ms."""
    with psycopg.connect(platform.stack.endpoints.postgres_dsn) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return round(now.timestamp() * 1000)


def _accepted(dsn: str, began: datetime) -> list[tuple[str, str, int]]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT rule, track, matched_at FROM verdicts "
            "WHERE verdict = 'accepted' AND track IS NOT NULL AND camera = %s AND stored_at >= %s",
            [scene.CAMERA, began],
        ).fetchall()
    return [(rule, track, round(at.timestamp() * 1000)) for rule, track, at in rows]


def _compare_rule(
    config: SiteConfig,
    name: str,
    found: list[tuple[str, int]],
    truth: tuple[scene.TruthEvent, ...],
    until: int,
) -> RuleComparison | None:
    term = config.rules[name].when
    if not isinstance(term, TriggerTerm):
        return None
    expected = [
        event.at_ms
        for event in truth
        if event.sensor == term.sensor
        and event.trigger == term.trigger
        and term.direction in (None, event.direction)
    ]
    free = sorted(at for rule, at in found if rule == name and WARM_UP_MS <= at <= until)
    result = RuleComparison(expected=len(expected))
    for at in expected:
        near = [one for one in free if abs(one - at) <= TOLERANCE_MS]
        if near:
            free.remove(min(near, key=lambda one: abs(one - at)))
            result.hits += 1
        else:
            result.missed.append(at)
    result.extra = len(free)
    return result
