"""What the filter has learned of one camera, and where in its picture things stand unmoved.

The picture is a grid. A track that was seen for a while without moving counts once for its class in
the cell of its lower edge; should it move after all, it is taken back. Counts halve within a week.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from schemas.records import TrackReport
from streams.core.geometry import Point
from streams.core.learning.perspective import Sizes
from streams.core.learning.told import Word, foot_of

FORMAT = 1
"""Of what is learned: raised when old counts would mislead."""
COLUMNS, ROWS = 32, 18
CELL_LIMIT = 1024
"""Cells with counts; beyond, the one that was quiet longest is forgotten."""
TRACK_LIMIT = 256
"""Tracks remembered as counted, newest; an older one cannot be taken back any more."""
STILL = 0.25
"""Mean box heights."""
STILL_FOR_MS = 3000
WALKING = 0.5
HALF_LIFE_MS = 7 * 24 * 3_600_000
_HOUR_MS = 3_600_000


class Cell(Struct):
    """Tracks of one class that stood at one place."""

    tracks: float = 0.0
    hours: int = 0
    """Different hours in which one began to."""
    hour: int = -1
    """Of the last one, since the epoch."""
    at: int = 0
    """Of the last change, UTC ms; ``tracks`` decays from here."""


class Learned(Struct):
    """All of one camera; bounded, and stored in the filter's state."""

    format: int = FORMAT
    cells: dict[str, Cell] = {}
    """By ``<class>/<column>/<row>``."""
    standing: dict[str, str] = {}
    """The cell in which a track was counted."""
    sizes: dict[str, Sizes] = {}
    """By class."""
    words: list[Word] = []
    """What operators said, the latest last."""


@dataclass(frozen=True, slots=True)
class Still:
    """Others that stood at a place: how many tracks, in how many different hours."""

    tracks: float
    hours: int


def note_standing(learned: Learned, report: TrackReport) -> None:
    """Count a track that stands, once, or take back one that walks; in place."""
    known = learned.standing.get(report.track)
    if known is None:
        if report.displacement < STILL and report.age_ms >= STILL_FOR_MS:
            _count(learned, report)
    elif report.displacement >= WALKING:
        del learned.standing[report.track]
        cell = learned.cells.get(known)
        if cell is not None:
            cell.tracks = max(0.0, cell.tracks - 1)
            if cell.tracks < 0.5:
                del learned.cells[known]


def still_here(learned: Learned, report: TrackReport) -> Still:
    """Return how many tracks of its class, its own aside, stood within a cell of its place."""
    column, row = cell_at(foot_of(report.best.box))
    own = learned.standing.get(report.track)
    tracks, hours = 0.0, 0
    for x in range(column - 1, column + 2):
        for y in range(row - 1, row + 2):
            name = f"{report.class_name}/{x}/{y}"
            cell = learned.cells.get(name)
            if cell is None:
                continue
            others = _decayed(cell, report.at) - (name == own)
            if others >= 0.5:
                tracks += others
                hours = max(hours, cell.hours)
    return Still(tracks, hours)


def cell_at(place: Point) -> tuple[int, int]:
    """Return the column and row of a place, 0..1 each.

    >>> cell_at((0.0, 0.0)), cell_at((1.0, 1.0))
    ((0, 0), (31, 17))
    """
    x, y = place
    return (
        min(COLUMNS - 1, max(0, int(x * COLUMNS))),
        min(ROWS - 1, max(0, int(y * ROWS))),
    )


def camera_of(track: str) -> str:
    """Return the camera in a track's id, which may have dashes of its own.

    >>> camera_of("back-gate-1700000000000-17-0")
    'back-gate'
    """
    return track.rsplit("-", 3)[0]


def epoch_of(track: str) -> int | None:
    """Return the epoch in a track's id, UTC ms, or None where it has none.

    >>> epoch_of("gate-1700000000000-17-0"), epoch_of("a")
    (1700000000000, None)
    """
    parts = track.rsplit("-", 3)
    return int(parts[1]) if len(parts) == 4 and parts[1].isdecimal() else None


def _count(learned: Learned, report: TrackReport) -> None:
    column, row = cell_at(foot_of(report.best.box))
    name = f"{report.class_name}/{column}/{row}"
    # Anew at its end, so that the first is the one that was quiet longest.
    cell = learned.cells.pop(name, None) or Cell()
    learned.cells[name] = cell
    cell.tracks = _decayed(cell, report.at) + 1
    cell.at = report.at
    hour = report.at // _HOUR_MS
    if hour != cell.hour:
        cell.hours, cell.hour = cell.hours + 1, hour
    learned.standing[report.track] = name
    while len(learned.cells) > CELL_LIMIT:
        del learned.cells[next(iter(learned.cells))]
    while len(learned.standing) > TRACK_LIMIT:
        del learned.standing[next(iter(learned.standing))]


def _decayed(cell: Cell, at: int) -> float:
    return float(cell.tracks * 0.5 ** (max(0, at - cell.at) / HALF_LIFE_MS))
