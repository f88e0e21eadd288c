"""Which models a camera has: by the configuration in the frame, which may come late or never."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import pytest

from schemas.errors import Rejected, Retryable
from schemas.site import SiteConfig, parse
from streams.inference.choosing import DEFAULT_USES, ModelChoice, Use
from tests.unit.streams.inference.scenes import frame

SITE = """
version: 1
site: depot-7
cameras:
  gate: {source: a.mp4, model: yolox}
  yard: {source: b.mp4, models: {fire: {fps: 0.5, classes: [smoke]}, foreground: {fps: native}}}
  door: {source: c.mp4}
"""


@dataclass
class World:
    """A clock that moves by hand, and the configurations that have come."""

    now_s: float = 1000.0
    known: dict[int, SiteConfig] = field(default_factory=dict)

    def get(self, version: int, wait_s: float) -> SiteConfig:
        if version not in self.known:
            raise Retryable(f"no {version}")
        return self.known[version]

    def choice(self) -> ModelChoice:
        return ModelChoice(self, lambda: self.now_s)


def test_the_models_are_those_of_the_version_in_the_frame_in_its_order() -> None:
    choice = World(known={1: parse(SITE), 2: parse(SITE.replace("yolox", "fastest"))}).choice()

    def uses(camera: str, version: int) -> tuple[Use, ...]:
        return choice.uses_of(frame(0, b"", camera=camera, config_version=version))

    assert uses("gate", 1) == (Use("yolox"),) and uses("gate", 2) == (Use("fastest"),)
    assert uses("door", 1) == DEFAULT_USES
    assert uses("yard", 1) == (
        Use("fire", Fraction(1, 2), frozenset({"smoke"})),
        Use("foreground"),
    )
    assert uses("yard", 0) == DEFAULT_USES
    with pytest.raises(Rejected) as refused:
        uses("attic", 1)
    assert refused.value.reason == "unknown-camera"


def test_a_configuration_is_waited_for_but_not_for_ever() -> None:
    world = World()
    choice = world.choice()
    late = frame(0, b"", config_version=3)
    with pytest.raises(Retryable):
        choice.uses_of(late)
    world.now_s += 11
    with pytest.raises(Rejected) as refused:
        choice.uses_of(late)
    assert refused.value.reason == "unknown-config"
    world.known[3] = parse(SITE)
    assert choice.uses_of(late) == (Use("yolox"),)


def test_no_more_versions_are_remembered_than_can_be_in_flight() -> None:
    world = World(known={version: parse(SITE) for version in range(1, 300)})
    choice = world.choice()
    for version in range(1, 300):
        choice.uses_of(frame(0, b"", config_version=version))
    world.known.clear()
    assert choice.uses_of(frame(0, b"", config_version=299)) == (Use("yolox"),)
    with pytest.raises(Retryable):
        choice.uses_of(frame(0, b"", config_version=5))
