"""Live view: a camera's frames to the cloud while somebody asked for them, and no longer. Pure.

``live`` with ``{"camera": "gate", "fps": 5, "seconds": 60}`` is obeyed from the moment at which the
command arrived at the site's Kafka; asked again, it lasts longer. That moment stands in the topic,
so an agent that starts again knows what is still to be shown. The frames are those that capture
wrote: what privacy polygons hide is black in them already.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from consumers.sync.applying import Answer
from consumers.sync.commanding import (
    KIND,
    LIVE,
    Refusal,
    arguments_of,
    insist_on_time,
    receipt_of,
    refuse,
)
from schemas.records import Command, Frame
from schemas.site import Fault

LIVE_TOPIC = "up.live"
MAX_FPS = 5
MAX_SECONDS = 60
MAX_CAMERAS = 4
"""Shown at once: about 1 MB a second of the site's way up."""
STALE_MS = 5_000
"""What is older is not live: behind a hanging Kafka frames may have waited."""


def document_of(camera: str) -> str:
    """Return the document of the receipts for a camera's live view."""
    return f"{KIND}/{LIVE}/{camera}"


@dataclass(slots=True)
class _View:
    """A camera that is shown; times are UTC ms of the site's Kafka."""

    asked_at: int
    until_at: dict[int, int] = field(default_factory=dict)
    """By frames a second: several may look at once."""
    due_at: float = 0.0
    """When the next frame is due."""

    def fps(self, at: int) -> int:
        """Return the most that is asked for at a time; 0: it is over."""
        return max((fps for fps, until_at in self.until_at.items() if at < until_at), default=0)


class LiveViews:
    """Which cameras are shown, and which of their frames are due."""

    def __init__(self, since_at: int = 0) -> None:
        """``since_at``, UTC ms: frames that came earlier were for an agent before this one."""
        self._since_at = since_at
        self._views: dict[str, _View] = {}

    def obey(
        self,
        command: Command,
        site: str,
        cameras: Collection[str],
        config_version: int,
        arrived_at: int,
        now_at: int,
    ) -> Answer | None:
        """Judge a command: obeyed, or refused with the reason; twice is as once.

        Args:
            command: as it came down.
            site: this one.
            cameras: those of the configuration in force.
            config_version: its version.
            arrived_at: when the command arrived at the site's Kafka, UTC ms.
            now_at: UTC ms; the receipt's revision.

        Returns:
            None for a command that was taken back: nobody waits for an answer.
        """
        if command.deleted:
            return None
        faults: tuple[Fault, ...] = ()
        details: dict[str, object] = {}
        camera = arguments_of(command).get("camera")
        known = isinstance(camera, str) and camera in cameras
        try:
            insist_on_time(command, site, arrived_at)
            until_at = self._show(command, cameras, arrived_at)
            details = {"camera": camera, "until_at": until_at}
        except Refusal as refusal:
            faults = (refusal.fault,)
        document = document_of(str(camera)) if known else KIND
        return Answer(receipt_of(command, site, document, config_version, details, faults, now_at))

    def is_due(self, frame: Frame, arrived_at: int, now_at: int) -> bool:
        """Tell whether a frame goes up; ``arrived_at`` is when it arrived at the site's Kafka.

        In no span of T seconds are there more than T times the frames a second asked for, and two.
        """
        view = self._views.get(frame.camera)
        if view is None:
            return False
        if not view.fps(now_at):
            del self._views[frame.camera]
            return False
        fps = view.fps(arrived_at)
        if not fps or arrived_at < max(view.asked_at, self._since_at, now_at - STALE_MS):
            return False
        interval_ms = 1000 / fps
        # A frame that comes a little early may go: its successor then waits for its own time.
        if arrived_at < view.due_at - interval_ms:
            return False
        view.due_at = max(view.due_at, arrived_at) + interval_ms
        return True

    def _show(self, command: Command, cameras: Collection[str], arrived_at: int) -> int:
        given = arguments_of(command)
        camera = given.get("camera")
        if not isinstance(camera, str) or camera not in cameras:
            allowed = ", ".join(sorted(cameras)) or "none is configured"
            raise refuse("camera", "the site has no such camera", allowed)
        fps = _whole(given, "fps", MAX_FPS)
        until_at = arrived_at + 1000 * _whole(given, "seconds", MAX_SECONDS)
        self._views = {name: one for name, one in self._views.items() if one.fps(arrived_at)}
        if camera not in self._views and len(self._views) >= MAX_CAMERAS:
            shown = ", ".join(sorted(self._views))
            problem = f"{MAX_CAMERAS} cameras are shown already: {shown}"
            raise refuse("camera", problem, "one of these, or wait until one ends")
        view = self._views.setdefault(camera, _View(arrived_at))
        view.until_at[fps] = max(until_at, view.until_at.get(fps, 0))
        return max(view.until_at.values())


def _whole(given: dict[str, object], name: str, most: int) -> int:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise refuse(name, f"{name} is no whole number from 1 to {most}", f"1 to {most}")
    return value
