"""Cameras that were taken out of the configuration, while their time still has to go on. Pure.

Their capture says goodbye and falls silent, but events of theirs may be open, tracks unfinished and
candidates without a verdict: beats bring them to their ends.
"""

from __future__ import annotations

from schemas.site import SiteConfig

SETTLING_S = 60.0
"""What waits for its verdict is decided long before."""


class Leaving:
    """Who has left, and until when beats are written for it; times are monotonic seconds."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}

    def note(self, before: SiteConfig, after: SiteConfig, now_s: float) -> None:
        """Take in that one configuration follows another."""
        for camera in after.cameras:
            self._until_s.pop(camera, None)
        for camera in before.cameras.keys() - after.cameras.keys():
            self._until_s[camera] = now_s + settling_s(before, camera)

    def cameras(self, now_s: float) -> frozenset[str]:
        """Return those for which time goes on; forget the others."""
        self._until_s = {c: until_s for c, until_s in self._until_s.items() if until_s > now_s}
        return frozenset(self._until_s)


def settling_s(config: SiteConfig, camera: str) -> float:
    """Return how long after a camera's last word something of it may still be open, in seconds."""
    within_s = [
        config.rules[rule].group.within_s
        for rule in config.rules
        if camera in config.cameras_of(rule)
    ]
    return config.cameras[camera].lost_s + max(within_s, default=0.0) + SETTLING_S
