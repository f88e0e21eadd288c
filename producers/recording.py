"""Continuous video: a topic of its own, kept as long as the configuration in force asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from infra.runtime.kafka import low_offsets, read_at, set_topic_settings
from infra.runtime.metrics import RECORDED_S
from producers.tails import partition_of
from schemas.errors import Fatal, Retryable
from schemas.site import Camera, SiteConfig, milliseconds
from schemas.topics import RECORDING

LOOK_EVERY_MS = 600_000
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Keep:
    """How long a partition of the topic is kept, and how many bytes of it at most."""

    ms: int
    partition_bytes: int


def keep(site: SiteConfig, most_bytes: int) -> Keep | None:
    """Return what a configuration asks for; None where no camera records continuously.

    Kept is as long as the camera asks that asks for most. ``most_bytes`` of all cameras together are
    shared out to the partitions that they lie in.
    """
    recorded = {name: one for name, one in site.cameras.items() if is_recorded(one)}
    if not recorded:
        return None
    partitions = {partition_of(name.encode(), RECORDING.partitions) for name in recorded}
    hours = max(camera.keep_h for camera in recorded.values())
    return Keep(milliseconds(hours * _HOUR_S), most_bytes // len(partitions))


def is_recorded(camera: Camera) -> bool:
    """Tell whether all of a camera's video is kept."""
    return camera.writes_video and camera.record == "continuous"


class Recordings:
    """Sets how long the topic is kept, and says where its limit of bytes cuts that short.

    Args:
        bootstrap: Kafka.
        most_gib: bytes of all cameras together, in GiB; the oldest goes first.
        host_at: the host's time, UTC ms.

    Raises:
        Fatal: the limit is not a number above 0.
    """

    def __init__(self, bootstrap: str, most_gib: str, host_at: Callable[[], int]) -> None:
        try:
            self._most_bytes = int(float(most_gib) * (1 << 30))
        except (ValueError, OverflowError):
            self._most_bytes = 0
        if self._most_bytes <= 0:
            raise Fatal(f"SIGHTLINE_RECORDING_GIB is {most_gib!r}: give GiB, a number above 0")
        self._bootstrap = bootstrap
        self._host_at = host_at
        self._keep: Keep | None = None
        self._looked_at = 0
        self._log = structlog.get_logger("recordings")

    def apply(self, site: SiteConfig) -> None:
        """Keep the topic as the configuration asks.

        What was recorded before stays as long as it was promised when nobody records any more.

        Raises:
            Retryable: Kafka does not answer.
        """
        wanted = keep(site, self._most_bytes)
        if wanted is not None and wanted != self._keep:
            settings = {
                "retention.ms": str(wanted.ms),
                "retention.bytes": str(wanted.partition_bytes),
            }
            set_topic_settings(self._bootstrap, RECORDING.name, settings)
            self._log.info("continuous video", kept_h=_hours(wanted.ms))
        self._keep = wanted

    def turn(self) -> None:
        """Look now and then how far back the video reaches where some of it has gone already."""
        now_at = self._host_at()
        if self._keep is None or now_at - self._looked_at < LOOK_EVERY_MS:
            return
        self._looked_at = now_at
        try:
            reaches_ms = self._reaches_ms(now_at)
        except Retryable:
            return
        if reaches_ms is None:
            return
        RECORDED_S.set(reaches_ms / 1000)
        if reaches_ms < self._keep.ms:
            self._log.warning(
                "continuous video is kept shorter than configured: its limit of bytes is reached; "
                "raise SIGHTLINE_RECORDING_GIB, or lower keep_h",
                kept_h=_hours(reaches_ms),
                wanted_h=_hours(self._keep.ms),
            )

    def _reaches_ms(self, now_at: int) -> int | None:
        """Return the least age of the oldest fragment of a partition that has lost some."""
        ages = [
            now_at - message.arrived_at
            for partition, low in low_offsets(self._bootstrap, RECORDING.name).items()
            if low > 0
            for message in read_at(self._bootstrap, RECORDING.name, partition, [low])
        ]
        return min(ages, default=None)


def _hours(ms: int) -> float:
    return round(ms / 1000 / _HOUR_S, 1)
