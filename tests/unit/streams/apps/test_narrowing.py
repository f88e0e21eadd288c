from __future__ import annotations

from schemas.site import SiteConfig, parse
from streams.apps.narrowing import OfConfig, Parts
from streams.apps.stages import lingering_ms
from streams.core.match import MatchPlan
from streams.core.sense import CameraPlan

SITE = parse(
    """
version: 1
site: depot
timezone: Europe/Berlin
cameras:
  gate: {source: a.mp4}
  yard: {source: b.mp4}
  hall: {source: c.mp4}
sensors:
  line: {camera: gate, kind: line, points: [[0.4, 0.2], [0.4, 0.6]]}
  lawn: {camera: yard, kind: zone, points: [[0.1, 0.3], [0.6, 0.3], [0.6, 1.0]]}
  near: {camera: yard, kind: proximity, classes: [person, car], distance: 0.2}
rules:
  crossing: {when: {sensor: line, trigger: crossed}}
  through: {when: {sequence: [{sensor: line, trigger: crossed}, {sensor: lawn, trigger: entered}],
            within_s: 20}, group: {within_s: 90}}
  meeting: {when: {sensor: near, trigger: near}, group: {by: site, within_s: 40}}
  lone: {when: {sensor: lawn, trigger: entered}}
"""
)


def test_plans_of_a_part_are_those_of_the_whole() -> None:
    parts = Parts(SITE)
    for camera in SITE.cameras:
        part = parts.of(camera)
        assert list(part.cameras) == [camera]
        assert CameraPlan.compile(part, camera, 3) == CameraPlan.compile(SITE, camera, 3)
        assert MatchPlan.compile(part, camera, 3) == MatchPlan.compile(SITE, camera, 3)
        assert lingering_ms(part, camera) == lingering_ms(SITE, camera)


def test_a_part_holds_what_its_rules_name() -> None:
    part = Parts(SITE).of("gate")
    assert set(part.rules) == {"crossing", "through"}
    assert set(part.sensors) == {"line", "lawn"}


def test_other_keys_see_the_whole() -> None:
    assert Parts(SITE).of("site/depot") is SITE
    assert Parts(SITE).of("gone") is SITE


def test_what_is_made_of_a_configuration_is_made_once_for_each_version() -> None:
    made: list[int] = []

    def make(config: SiteConfig, version: int) -> int:
        made.append(version)
        return version

    shared = OfConfig(make)
    assert [shared.of(SITE, version) for version in (1, 2, 1, 2)] == [1, 2, 1, 2]
    assert made == [1, 2]
    shared.of(SITE.model_copy(), 1)
    assert made == [1, 2, 1]
