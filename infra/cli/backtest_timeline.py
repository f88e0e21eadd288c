"""Where the events of each rule lie in time, as a drawing inside the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from infra.cli.backtest_compare import Compared

WIDTH, LEFT, RIGHT = 1000, 180, 36
ROW, TOP, BOTTOM = 30, 8, 24
_TICKS = 6
_LEAST_WIDTH = 4.0
"""So that a short event can be seen and hit."""


def timeline(found: Sequence[Compared], start: int, until: int, zone: ZoneInfo) -> str:
    """Return an SVG with a row for each rule: then above, now below; empty without events.

    ``start`` and ``until`` are UTC ms.
    """
    if not found:
        return ""
    rules = sorted({item.event.rule for item in found})
    height = TOP + ROW * len(rules) + BOTTOM
    rows = "".join(
        _row(index, rule, [item for item in found if item.event.rule == rule], start, until)
        for index, rule in enumerate(rules)
    )
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="events by rule">'
        f"{_axis(start, until, height, zone)}{rows}</svg>"
        "<figcaption>each rule's events over time: above as raised then, below with the new rules"
        "</figcaption></figure>"
    )


def place(at: int, start: int, until: int) -> float:
    """Return the x of a time, kept inside the drawing.

    >>> place(5, 0, 10) == (LEFT + WIDTH - RIGHT) / 2
    True
    """
    part = (at - start) / max(1, until - start)
    return LEFT + min(max(part, 0.0), 1.0) * (WIDTH - RIGHT - LEFT)


def _row(index: int, rule: str, found: Sequence[Compared], start: int, until: int) -> str:
    top = TOP + index * ROW
    name = rule if len(rule) <= 24 else f"{rule[:23]}…"
    bars = []
    for item in found:
        for raised, y in ((item.before, top + 4), (item.after, top + 15)):
            if raised is None:
                continue
            x = place(raised.opened_at, start, until)
            wide = max(_LEAST_WIDTH, place(raised.ended_at, start, until) - x)
            bars.append(
                f'<rect class="{item.fate}" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="9">'
                f"<title>{escape(f'{rule} on {raised.camera}: {item.fate}')}</title></rect>"
            )
    return (
        f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{top + ROW - 1}" '
        f'y2="{top + ROW - 1}"/><text class="name" x="{LEFT - 10}" y="{top + 18}">'
        f"{escape(name)}</text>{''.join(bars)}"
    )


def _axis(start: int, until: int, height: int, zone: ZoneInfo) -> str:
    days = until - start > 24 * 3_600_000
    ticks = []
    for number in range(_TICKS + 1):
        at = start + (until - start) * number // _TICKS
        moment = datetime.fromtimestamp(at / 1000, zone)
        label = f"{moment:%d %b %H:%M}" if days else f"{moment:%H:%M:%S}"
        x = place(at, start, until)
        ticks.append(
            f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{height - BOTTOM}"/>'
            f'<text class="time" x="{x:.1f}" y="{height - 7}">{label}</text>'
        )
    return "".join(ticks)
