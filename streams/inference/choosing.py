"""Which models look at a camera's frames: by the configuration that each frame carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from schemas.errors import Rejected, Retryable
from schemas.records import Frame
from schemas.site import Camera, SiteConfig


@dataclass(frozen=True, slots=True)
class Use:
    """How a camera uses one model."""

    model: str
    fps: Fraction | None = None
    """Frames a second that it looks at; None: every frame of the camera."""
    classes: frozenset[str] | None = None
    """Of its detections those kept; None: all."""


DEFAULT_USES = (Use("foreground"),)
"""Of frames outside a site, whose configuration version is 0."""

_PATIENCE_S = 10.0
_KNOWN = 100


class Configs(Protocol):
    """Where configurations come from; ``infra.runtime.configs.ConfigStore`` is one."""

    def get(self, version: int, wait_s: float) -> SiteConfig:
        """Return a configuration, or raise ``Retryable`` while it has not come."""


class ModelChoice:
    """Remembers each configuration's choice, and which configurations never came."""

    def __init__(self, configs: Configs, now_s: Callable[[], float]) -> None:
        self._configs = configs
        self._now_s = now_s
        self._chosen: dict[int, dict[str, tuple[Use, ...]]] = {}
        self._missing_since: dict[int, float] = {}

    def uses_of(self, frame: Frame) -> tuple[Use, ...]:
        """Return the models of a frame's camera, in the configuration's order.

        Raises:
            Retryable: the configuration has not come yet.
            Rejected: it has not come for too long (``unknown-config``), or does not know the
                camera (``unknown-camera``).
        """
        version = frame.config_version
        if version == 0:
            return DEFAULT_USES
        if version not in self._chosen:
            self._remember(version, self._fetch(version))
        uses = self._chosen[version].get(frame.camera)
        if uses is None:
            raise Rejected(
                f"configuration {version} has no camera {frame.camera}", reason="unknown-camera"
            )
        return uses

    def _fetch(self, version: int) -> SiteConfig:
        try:
            config = self._configs.get(version, 0.0)
        except Retryable as error:
            since = self._missing_since.setdefault(version, self._now_s())
            if self._now_s() - since < _PATIENCE_S:
                raise
            raise Rejected(
                f"configuration {version} has not come: {error}", reason="unknown-config"
            ) from error
        self._missing_since.pop(version, None)
        return config

    def _remember(self, version: int, config: SiteConfig) -> None:
        while len(self._chosen) >= _KNOWN:
            del self._chosen[min(self._chosen)]
        self._chosen[version] = {name: uses_in(camera) for name, camera in config.cameras.items()}


def uses_in(camera: Camera) -> tuple[Use, ...]:
    """Return the models that a camera's configuration names, in its order."""
    return tuple(
        Use(model, use.fps_fraction, None if use.classes is None else frozenset(use.classes))
        for model, use in camera.models.items()
    )
