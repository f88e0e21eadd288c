"""Weekly windows by the local wall clock: ``Mon-Fri 20:00-07:00``, ``Sat-Sun``, ``08:00-18:00``.

A window belongs to the day it starts on and is half-open, ``[start, end)``. Membership is asked
of the wall clock alone: an hour that is missing in spring is empty, one that is doubled in autumn
counts twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from schemas.site.faults import Finding, meant, refuse, shown
from schemas.site.timezones import zone
from schemas.site.values import Parsed

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ALLOWED = "windows such as Mon-Fri 20:00-07:00, Sat-Sun, 08:00-18:00"
MAX_WINDOWS = 64
_MIDNIGHT = 24 * 60
_HORIZON_DAYS = 15
_MARGIN = timedelta(hours=3)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = "[A-Za-z]+"
_TIME = r"[0-9]{1,2}:[0-9]{2}"
_WINDOW = re.compile(
    rf"(?:({_DAY})(?:\s*-\s*({_DAY}))?)?\s*(?:({_TIME})\s*-\s*({_TIME}))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Window:
    """One window: the days it starts on (0 is Monday), and minutes of the local day.

    ``end_min`` is at most ``start_min`` only where the window ends on the following day; a whole
    day is 0 to 1440.
    """

    first_day: int
    last_day: int
    start_min: int
    end_min: int

    @property
    def overnight(self) -> bool:
        """Whether it ends on the day after the one it belongs to."""
        return self.end_min < self.start_min

    def on(self, weekday: int) -> bool:
        """Tell whether a window starts on this day of the week; ``Sat-Mon`` wraps around."""
        return (weekday - self.first_day) % 7 <= (self.last_day - self.first_day) % 7

    def holds(self, weekday: int, minute: int) -> bool:
        """Tell whether a local minute (0..1439) of a day is inside."""
        if not self.overnight:
            return self.on(weekday) and self.start_min <= minute < self.end_min
        return (self.on(weekday) and minute >= self.start_min) or (
            self.on((weekday - 1) % 7) and minute < self.end_min
        )

    def __str__(self) -> str:
        days = DAYS[self.first_day]
        if self.last_day != self.first_day:
            days += f"-{DAYS[self.last_day]}"
        return f"{days} {_clock(self.start_min)}-{_clock(self.end_min)}"


def contains(windows: Sequence[Window] | None, timezone: str, at_ms: int) -> bool:
    """Tell whether an instant (UTC milliseconds) lies in one of the windows; None is always."""
    return windows is None or _inside(windows, zone(timezone), at_ms)


def next_start(windows: Sequence[Window] | None, timezone: str, after_ms: int) -> int | None:
    """Return the first instant after ``after_ms`` at which the schedule begins to hold.

    Windows that touch or overlap are one stretch. None where it always holds, or where nothing
    begins within 15 days.
    """
    if windows is None:
        return None
    local_zone = zone(timezone)
    today = _local(local_zone, after_ms).date()
    edges: set[int] = set()
    for ahead in range(-1, _HORIZON_DAYS):
        edges.update(_edges(windows, local_zone, today + timedelta(days=ahead)))
    for at_ms in sorted(edges):
        if (
            at_ms > after_ms
            and _inside(windows, local_zone, at_ms)
            and not _inside(windows, local_zone, at_ms - 1)
        ):
            return at_ms
    return None


def _inside(windows: Sequence[Window], local_zone: ZoneInfo, at_ms: int) -> bool:
    local = _local(local_zone, at_ms)
    weekday, minute = local.weekday(), local.hour * 60 + local.minute
    return any(window.holds(weekday, minute) for window in windows)


def _local(local_zone: ZoneInfo, at_ms: int) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(local_zone)


def _edges(windows: Sequence[Window], local_zone: ZoneInfo, day: date) -> Iterator[int]:
    """Yield the instants of a local day at which a window can begin to hold."""
    midnight = datetime(day.year, day.month, day.day)
    for window in windows:
        for fold in (0, 1):
            local = midnight + timedelta(minutes=window.start_min)
            yield _utc_ms(local.replace(tzinfo=local_zone, fold=fold))
    # The clock is also changed at midnight, in some zones: look a little past both ends.
    low = _utc_ms((midnight - _MARGIN).replace(tzinfo=local_zone))
    high = _utc_ms((midnight + timedelta(days=1) + _MARGIN).replace(tzinfo=local_zone))
    before = _local(local_zone, low).utcoffset()
    if before != _local(local_zone, high).utcoffset():
        while high - low > 1:
            middle = (low + high) // 2
            if _local(local_zone, middle).utcoffset() == before:
                low = middle
            else:
                high = middle
        yield high


def _utc_ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def parse_window(value: Any) -> Window:
    """Parse one window.

    >>> str(parse_window("sat-sun"))
    'Sat-Sun 00:00-24:00'
    """
    if isinstance(value, Window):
        return value
    match = _WINDOW.fullmatch(value.strip()) if isinstance(value, str) else None
    if not isinstance(value, str) or not match or not any(match.groups()):
        hint = "; write each window as an item of its own" if "," in str(value) else ""
        raise refuse(Finding((), f"{shown(value)} is not a window{hint}", ALLOWED))
    first, last, start, end = match.groups()
    first_day, last_day = (0, 6) if first is None else (_weekday(first), _weekday(last or first))
    if start is None:
        return Window(first_day, last_day, 0, _MIDNIGHT)
    start_min, end_min = _minute(start), _minute(end)
    if start_min in (_MIDNIGHT, end_min):
        problem = f"{shown(value)} starts where it ends, or at 24:00"
        raise refuse(Finding((), problem, "a whole day is 00:00-24:00"))
    return Window(first_day, last_day, start_min, end_min or _MIDNIGHT)


def parse_schedule(value: Any) -> tuple[Window, ...] | None:
    """Parse a list of windows, one window, or ``always`` (None)."""
    if value is None or value == "always":
        return None
    if isinstance(value, str):
        return (parse_window(value),)
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MAX_WINDOWS:
        empty = isinstance(value, (list, tuple))
        problem = f"has {len(value)} windows" if empty else f"{shown(value)} is not a schedule"
        raise refuse(Finding((), problem, f"always, or a list of 1 to {MAX_WINDOWS} {ALLOWED}"))
    windows: list[Window] = []
    bad: list[Finding] = []
    for i, item in enumerate(value):
        try:
            windows.append(parse_window(item))
        except ValueError as error:
            bad += [f._replace(loc=(i,)) for f in getattr(error, "context", {})["findings"]]
    if bad:
        raise refuse(*bad)
    return tuple(windows)


def _weekday(name: str) -> int:
    if name.capitalize() in DAYS:
        return DAYS.index(name.capitalize())
    problem = f"{shown(name)} is not a day{meant(name.capitalize(), DAYS)}"
    raise refuse(Finding((), problem, ", ".join(DAYS)))


def _minute(clock: str) -> int:
    hour, minute = (int(part) for part in clock.split(":"))
    if minute > 59 or hour * 60 + minute > _MIDNIGHT:
        raise refuse(Finding((), f"{shown(clock)} is not a time of day", "00:00 to 24:00"))
    return hour * 60 + minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _dump(windows: Sequence[Window] | None) -> list[str] | None:
    return None if windows is None else [str(window) for window in windows]


_PATTERN = (
    r"^\s*(?=\S)((?i:mon|tue|wed|thu|fri|sat|sun)(\s*-\s*(?i:mon|tue|wed|thu|fri|sat|sun))?)?"
    r"\s*([0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2})?\s*$"
).replace("(?i:mon|tue|wed|thu|fri|sat|sun)", "(" + "|".join(DAYS) + ")")
_ONE = {"type": "string", "pattern": _PATTERN}
Schedule = Annotated[
    tuple[Window, ...] | None,
    Parsed(
        parse_schedule,
        {
            "anyOf": [
                {"type": "array", "items": _ONE, "minItems": 1, "maxItems": MAX_WINDOWS},
                _ONE,
                {"enum": ["always", None]},
            ]
        },
        _dump,
    ),
]
"""Windows in which a rule holds; None is always."""
