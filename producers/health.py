"""How a camera is, as ``up.health`` tells it: at once when it changes, else every 10 s. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from producers.beats import State
from schemas.records import Health

EVERY_MS = 10_000


@dataclass(slots=True)
class CameraHealth:
    """A camera's state and figures; states are connecting, online, stalled, offline, ended."""

    site: str
    name: str
    revision: int = 0
    """Of the record written last; it goes by the host's time, as the edge agent's for this camera."""
    state: str = "connecting"
    reason: str | None = None
    frames: int = 0
    """Written by this process."""
    dropped: int = 0
    details: dict[str, object] = field(default_factory=dict)
    _told: tuple[str, str | None] | None = None
    _told_monotonic_ms: int = 0
    _told_frames: int = 0

    def notice(self, state: State) -> None:
        """Take over from the beats that an open camera fell silent, or came back."""
        if self.state == "online" and state != "online":
            self.state, self.reason = state, "the source is open, but no picture comes"
        elif self.state in ("stalled", "offline") and state == "online":
            self.state, self.reason = "online", None
        elif self.state == "stalled" and state == "offline":
            self.state = "offline"

    def is_due(self, monotonic_ms: int) -> bool:
        """Tell whether a record is to be written now."""
        changed = self._told != (self.state, self.reason)
        return changed or monotonic_ms - self._told_monotonic_ms >= EVERY_MS

    def record(self, monotonic_ms: int, host_at: int, written_at: int | None) -> Health:
        """Return the record that is due; ``written_at`` is the camera's latest time, UTC ms."""
        passed_ms = monotonic_ms - self._told_monotonic_ms
        measured = self._told is not None and passed_ms > 0
        rate = 1000 * (self.frames - self._told_frames) / passed_ms if measured else None
        return Health(
            health_id=f"{self.site}/{self.name}",
            site=self.site,
            kind="camera",
            name=self.name,
            state=self.state,
            reason=self.reason,
            at=host_at,
            frames_per_s=None if rate is None else round(rate, 2),
            frames=self.frames,
            dropped=self.dropped,
            details=json.dumps({**self.details, "written_at": written_at}, sort_keys=True),
            revision=max(self.revision + 1, host_at),
        )

    def told(self, record: Health, monotonic_ms: int) -> None:
        """Note that the record has been written."""
        self.revision = record.revision
        self._told = (record.state, record.reason)
        self._told_monotonic_ms, self._told_frames = monotonic_ms, record.frames
