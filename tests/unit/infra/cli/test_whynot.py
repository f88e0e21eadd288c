"""Each step that may keep a moment from becoming an event is found, and only the first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from infra.cli.flow import Flow
from infra.cli.whynot import Answer, explain
from infra.cli.whynot_probe import Probe
from schemas.errors import Rejected
from schemas.records import Reading
from schemas.site import SiteConfig, parse
from streams.apps.logic import Unit
from tests.unit.streams.core.sensing.scene import (
    CAMERA,
    EPOCH,
    SITE,
    beat,
    frame,
    numbered,
    standing,
)

LINE = {"camera": CAMERA, "kind": "line", "points": [[0.5, 0.1], [0.5, 1.0]]}
ZONE = {"camera": CAMERA, "kind": "zone", "points": [[0.4, 0.5], [0.9, 0.5], [0.9, 1], [0.4, 1]]}
CROSSED = {"sensor": "line", "trigger": "crossed"}
AT = 4000
LENGTH_MS = 20_000


def site(
    rule: dict[str, Any] | None = None,
    sensors: dict[str, Any] | None = None,
    **camera: Any,
) -> SiteConfig:
    """Return a site with one camera and one rule, on a line unless told otherwise."""
    document = {
        "version": 1,
        "site": SITE,
        "cameras": {CAMERA: {"source": "synthetic:walkers", **camera}},
        "sensors": sensors or {"line": LINE},
        "rules": {} if rule == {} else {"entry": {"when": CROSSED, **(rule or {})}},
    }
    return parse(json.dumps(document))


def walk(
    until_ms: int = LENGTH_MS,
    begin: float = 0.1,
    end: float = 0.9,
    from_ms: int = 0,
    to_ms: int = 8000,
    **keys: Any,
) -> list[Reading]:
    """Return five frames a second and a beat each second; one walker between two times."""
    found: list[Reading] = []
    for at in range(0, until_ms, 200):
        here = from_ms <= at < to_ms
        x = begin + (end - begin) * (at - from_ms) / max(1, to_ms - from_ms)
        found.append(frame(at, [standing(x, 0.9)] if here else [], **(keys if here else {})))
        if at % 1000 == 800:
            found.append(beat(at + 1))
    return numbered(found)


def ask(readings: Sequence[Reading], config: SiteConfig, **asked: str) -> list[Answer]:
    """Run readings with a probe at ``AT`` and explain what it noted."""
    probe = Probe(CAMERA, EPOCH + AT, 2000)
    flow = Flow(lambda _version: config)
    flow.observe = probe
    for reading in readings:
        flow.feed(Unit(SITE, reading.camera, 1, reading.at, reading), 0)
    return explain(probe.found, config, **asked)


def stopped(readings: Sequence[Reading], config: SiteConfig) -> tuple[str, str]:
    """Return the step that stopped the only answer, and what it tells."""
    (answer,) = ask(readings, config)
    assert answer.stopped is not None
    assert answer.stopped is answer.steps[-1]
    return answer.stopped.name, answer.stopped.told


def test_what_went_through_names_its_event() -> None:
    (answer,) = ask(walk(), site())
    assert answer.stopped is None
    assert [step.name for step in answer.steps] == [
        *("frame", "model", "detection", "track", "sensor", "rule", "filter", "group")
    ]
    assert "opened: event" in answer.steps[-1].told


def test_no_frame_is_told_with_the_cameras_state() -> None:
    beats = numbered([beat(at, "stalled") for at in range(0, LENGTH_MS, 1000)])
    assert stopped(beats, site()) == ("frame", "no frame within 2 s: the camera was stalled")


def test_dropped_and_failed_frames_are_counted() -> None:
    readings = [
        replace(r, outcome="dropped", reason="overload", boxes=(), scores=(), labels=())
        if r.kind == "frame"
        else r
        for r in walk()
    ]
    name, told = stopped(readings, site())
    assert name == "model" and "21 dropped (overload)" in told


@pytest.mark.parametrize(
    ("config", "keys", "expected"),
    [
        (
            site(sensors={"line": {**LINE, "classes": ["person"]}}),
            {"labels": ["car"]},
            ("detection", "no person was detected; car"),
        ),
        (site(classes=["person"]), {"labels": ["car"]}, ("detection", "left out")),
        (site(), {"scores": [0.05]}, ("detection", "below 0.1")),
        (
            site(ignore=[[[0, 0.8], [1, 0.8], [1, 1], [0, 1]]]),
            {},
            ("detection", "in an ignore polygon"),
        ),
        (site(), {"scores": [0.2]}, ("track", "a track begins at min_score 0.3")),
    ],
)
def test_detections_that_do_not_count(
    config: SiteConfig, keys: dict[str, Any], expected: tuple[str, str]
) -> None:
    (answer,) = ask(walk(**keys), config)
    name, told = expected
    assert answer.stopped is not None
    assert answer.stopped.name == name and told in answer.stopped.told


def test_a_track_that_was_not_confirmed() -> None:
    name, told = stopped(walk(from_ms=AT, to_ms=AT + 400, begin=0.45, end=0.55), site())
    assert name == "track" and "was not confirmed: seen 2 times" in told


def test_a_line_that_was_not_crossed() -> None:
    name, told = stopped(walk(end=0.4), site())
    assert name == "sensor" and "did not cross the line" in told


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"size": {"min": 0.5}}, "smaller than size.min 0.5"),
        ({"size": {"max": 0.001}}, "larger than size.max 0.001"),
        ({"heading": {"towards_deg": 270}}, "not heading towards 270°"),
    ],
)
def test_filters_of_the_sensor(filters: dict[str, Any], expected: str) -> None:
    name, told = stopped(walk(), site(sensors={"line": {**LINE, **filters}}))
    assert name == "sensor" and expected in told


def test_a_zone_that_was_left_too_soon() -> None:
    rule = {"when": {"sensor": "lawn", "trigger": "entered"}}
    sensors = {"lawn": {**ZONE, "enter_after_s": 30}}
    name, told = stopped(walk(), site(rule, sensors))
    assert name == "sensor" and "enter_after_s is 30" in told


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"when": {**CROSSED, "direction": "forward"}}, "waits for crossed forward"),
        ({"schedule": ["Mon 00:00-00:01"]}, "outside entry's schedule (Mon 00:00-00:01, UTC)"),
        ({"armed": ["away"]}, "armed in away; the mode was none"),
        ({"count": {"at_least": 3, "within_s": 60}}, "counts 3 within 60 s"),
        ({"when": {"sequence": [CROSSED, CROSSED], "within_s": 5}}, "one part of entry"),
    ],
)
def test_rules_that_do_not_match(rule: dict[str, Any], expected: str) -> None:
    name, told = stopped(walk(), site(rule))
    assert name == "rule" and expected in told


def test_a_candidate_that_was_suppressed_tells_its_reasons() -> None:
    name, told = stopped(walk(), site({"min_score": 0.99}))
    assert name == "filter" and "suppressed at" in told and "score against it" in told


def test_a_candidate_that_still_waits() -> None:
    name, told = stopped(walk(until_ms=8000), site({"min_score": 0.99}))
    assert name == "filter" and "no decision yet" in told


def test_shadow_rules_tell_nobody() -> None:
    name, told = stopped(walk(), site({"mode": "shadow"}))
    assert name == "group" and "shadow" in told


def test_a_second_match_is_grouped_into_the_first_event() -> None:
    found: list[Reading] = []
    for at in range(0, LENGTH_MS, 200):
        walker = [standing(0.1 + 0.8 * at / 8000, 0.9)] if at < 8000 else []
        earlier = [standing(0.8 - 0.6 * at / 2000, 0.5)] if at < 2000 else []
        found += [frame(at, walker + earlier), beat(at + 1)]
    (answer,) = ask(numbered(found), site())
    assert answer.stopped is None
    assert "grouped into the event open since" in answer.steps[-1].told


def test_no_rule_on_the_sensor() -> None:
    assert stopped(walk(), site({})) == ("rule", "no rule looks at line")


@pytest.mark.parametrize(
    "asked", [{"sensor": "gone"}, {"rule": "gone"}, {"sensor": "lawn", "rule": "entry"}]
)
def test_what_is_not_there_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(Rejected):
        ask(walk(), site(sensors={"line": LINE, "lawn": ZONE}), **asked)
