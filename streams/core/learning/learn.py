"""Learning: what each report of a track and each word of an operator adds."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.records import TrackReport
from streams.core.learning.perspective import note_size
from streams.core.learning.place import FORMAT, Learned, camera_of, note_standing

CAMERA_LIMIT = 64
"""Cameras of which one key learns: its own, or those of a site's rules across cameras."""


def learned_of(known: Mapping[str, Learned], track: str) -> Learned | None:
    """Return what is known of a track's camera; what another version of this learned is not."""
    learned = known.get(camera_of(track))
    return learned if learned is not None and learned.format == FORMAT else None


def of_camera(known: dict[str, Learned], camera: str) -> Learned:
    """Return what is known of a camera, to be added to."""
    learned = known.get(camera)
    if learned is None or learned.format != FORMAT:
        learned = known[camera] = Learned()
        while len(known) > CAMERA_LIMIT:
            del known[next(iter(known))]
    return learned


def learn(known: dict[str, Learned], report: TrackReport) -> None:
    """Add a track's newest report to what is known of its camera, in place."""
    learned = of_camera(known, camera_of(report.track))
    note_standing(learned, report)
    note_size(learned.sizes, report)
