"""A large site's configuration by parts, so that a camera's plan costs the same at any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from schemas.site import SiteConfig

T = TypeVar("T")
_KEPT = 4
"""Cameras change to another version one after another."""


class OfConfig(Generic[T]):
    """What is made once of a configuration and asked for by all of its keys."""

    def __init__(self, make: Callable[[SiteConfig, int], T]) -> None:
        self._make = make
        self._made: list[tuple[SiteConfig, int, T]] = []

    def of(self, config: SiteConfig, version: int) -> T:
        """Return it; made anew where it is not among the last few."""
        for known, known_version, made in self._made:
            if known is config and known_version == version:
                return made
        made = self._make(config, version)
        self._made = [(config, version, made), *self._made[: _KEPT - 1]]
        return made


class Parts:
    """Which sensors and rules concern each camera of a configuration."""

    def __init__(self, config: SiteConfig) -> None:
        self._config = config
        self._sensors: dict[str, set[str]] = {camera: set() for camera in config.cameras}
        self._rules: dict[str, list[str]] = {camera: [] for camera in config.cameras}
        for name, sensor in config.sensors.items():
            self._sensors[sensor.camera].add(name)
        for rule in config.rules:
            for camera in config.cameras_of(rule):
                self._rules[camera].append(rule)
                self._sensors[camera].update(term.sensor for term in config.terms_of(rule))

    def of(self, key: str) -> SiteConfig:
        """Return what concerns a camera: all its sensors, and its rules with the sensors they name.

        Of any other key it is the whole configuration.
        """
        config = self._config
        if key not in config.cameras:
            return config
        return config.model_copy(
            update={
                "cameras": {key: config.cameras[key]},
                "sensors": {name: config.sensors[name] for name in sorted(self._sensors[key])},
                "rules": {name: config.rules[name] for name in self._rules[key]},
            }
        )
