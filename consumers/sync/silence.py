"""Beats for cameras whose process has died, on each camera's own scale. Pure.

Without them time would stand still for such a camera: tracks would stay open, absences undecided,
and rules across cameras would wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from schemas.records import Beat, Frame

SILENT_AFTER_S = 3.0
OFFLINE_AFTER_S = 10.0
BEAT_EVERY_S = 1.0


@dataclass(slots=True)
class _Camera:
    """What was last heard of a camera; ``…_s`` are monotonic seconds of this host."""

    at: int
    """Its latest time by its own producer, UTC ms."""
    heard_s: float
    alive_s: float
    """When it last gave a frame, or a beat that said online."""
    epoch_at: int | None
    config_version: int
    written_at: int
    """Its latest time by anybody."""
    beaten_s: float = float("-inf")


class SilentCameras:
    """Who has been silent for how long, and the beats that are due."""

    def __init__(self) -> None:
        self._cameras: dict[str, _Camera] = {}

    def hear(self, record: Frame | Beat, heard_s: float) -> None:
        """Note what a camera's own producer wrote."""
        at = record.captured_at if isinstance(record, Frame) else record.beat_at
        alive = isinstance(record, Frame) or record.state == "online"
        known = self._cameras.get(record.camera)
        if known is None:
            self._cameras[record.camera] = _Camera(
                *(at, heard_s, heard_s, record.epoch_at, record.config_version),
                at,
            )
            return
        known.at, known.heard_s = at, heard_s
        known.alive_s = heard_s if alive else known.alive_s
        known.epoch_at = record.epoch_at
        known.config_version = max(known.config_version, record.config_version)
        known.written_at = max(known.written_at, at)
        known.beaten_s = float("-inf")

    def recall(self, beat: Beat) -> None:
        """Note a beat that an agent wrote, before a restart or as this one."""
        known = self._cameras.get(beat.camera)
        if known is not None:
            known.written_at = max(known.written_at, beat.beat_at)

    def due(
        self, site: str, cameras: Collection[str], config_version: int, now_s: float
    ) -> Iterator[Beat]:
        """Yield the beats that are due at ``now_s`` for those of ``cameras`` that are silent.

        A camera that was never heard gets none: no one knows its scale.
        """
        for camera in sorted(self._cameras.keys() & set(cameras)):
            known = self._cameras[camera]
            if now_s - max(known.heard_s + SILENT_AFTER_S, known.beaten_s + BEAT_EVERY_S) < 0:
                continue
            known.beaten_s = now_s
            at = known.at + round((now_s - known.heard_s) * 1000)
            if at <= known.written_at:
                continue
            known.written_at = at
            known.config_version = max(known.config_version, config_version)
            yield Beat(
                site=site,
                camera=camera,
                beat_at=at,
                state=self._state(known, now_s),
                epoch_at=known.epoch_at,
                config_version=known.config_version,
            )

    def excuse(self, until_s: float) -> None:
        """Count nobody's silence before ``until_s``: it could not be told from Kafka's own."""
        for known in self._cameras.values():
            known.heard_s = max(known.heard_s, until_s)
            known.alive_s = max(known.alive_s, until_s)

    def silent(self, cameras: Collection[str], now_s: float) -> dict[str, str]:
        """Return the silent ones of ``cameras`` with their state, ``stalled`` or ``offline``."""
        return {
            camera: self._state(known, now_s)
            for camera, known in sorted(self._cameras.items())
            if camera in cameras and now_s - known.heard_s >= SILENT_AFTER_S
        }

    def keep(self, cameras: Collection[str], now_s: float) -> None:
        """Forget what is no longer configured and has been silent for long."""
        for camera in self._cameras.keys() - set(cameras):
            if now_s - self._cameras[camera].heard_s > OFFLINE_AFTER_S:
                del self._cameras[camera]

    @staticmethod
    def _state(known: _Camera, now_s: float) -> Literal["stalled", "offline"]:
        return "offline" if now_s - known.alive_s >= OFFLINE_AFTER_S else "stalled"
