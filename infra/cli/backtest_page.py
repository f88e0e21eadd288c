"""The comparison as one HTML page that needs nothing else: styles and pictures are in it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from infra.cli.backtest_compare import Compared, Fate, Raised, counts
from infra.cli.backtest_timeline import timeline

STYLE = Path(__file__).with_name("backtest.css")
_FATES: tuple[tuple[Fate, str, str], ...] = (
    ("added", "Added", "raised by the new rules alone"),
    ("gone", "Gone", "raised then, and not by the new rules"),
    ("same", "Same", "raised then and by the new rules"),
)


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the page tells, besides the events."""

    site: str
    rules: str
    """Name of the file with the new rules."""
    start: int
    until: int
    """UTC ms."""
    timezone: str
    readings: int
    notes: Sequence[str] = ()
    """What a person must know of the run."""


def render(page: Page, found: Sequence[Compared], pictures: Mapping[str, bytes]) -> str:
    """Return the page; ``pictures`` holds a JPEG by event id."""
    zone = ZoneInfo(page.timezone)
    title = f"Backtest of {page.rules} on {page.site}"
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in page.notes)
    sections = "".join(_section(*fate, found, pictures, zone) for fate in _FATES)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f"<style>{STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f"<header><h1>{escape(title)}</h1>"
        f"<p>{_when(page.start, zone)} to {_when(page.until, zone)} ({escape(page.timezone)}), "
        f"{page.readings:,} readings</p>{notes}</header>"
        f"{_tiles(found)}{_rules(found)}"
        f"{timeline(found, page.start, page.until, zone)}{sections}</body></html>\n"
    )


def _tiles(found: Sequence[Compared]) -> str:
    number = counts(found)
    tiles = "".join(
        f'<a class="tile {fate}" href="#{fate}"><b>{number[fate]}</b> {name.lower()}</a>'
        for fate, name, _ in _FATES
    )
    return f'<nav class="tiles">{tiles}</nav>'


def _rules(found: Sequence[Compared]) -> str:
    names = sorted({item.event.rule for item in found})
    if not names:
        return '<p class="empty">Neither the old rules nor the new ones raised an event.</p>'
    rows = []
    for name in names:
        mine = [item for item in found if item.event.rule == name]
        number = counts(mine)
        then = number["gone"] + number["same"]
        now = number["added"] + number["same"]
        cells = "".join(f'<td class="{fate}">{number[fate] or ""}</td>' for fate, _, _ in _FATES)
        rows.append(f"<tr><th>{escape(name)}</th><td>{then}</td><td>{now}</td>{cells}</tr>")
    head = "<th>rule</th><th>then</th><th>now</th><th>added</th><th>gone</th><th>same</th>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _section(
    fate: Fate,
    name: str,
    about: str,
    found: Sequence[Compared],
    pictures: Mapping[str, bytes],
    zone: ZoneInfo,
) -> str:
    mine = [item for item in found if item.fate == fate]
    cards = "".join(_card(item, pictures.get(item.event.event_id), zone) for item in mine)
    opened = "" if fate == "same" else " open"
    return (
        f'<details id="{fate}" class="{fate}"{opened}><summary><h2>{name} <span>{len(mine)}</span>'
        f"</h2> {about}</summary>"
        f'<div class="cards">{cards or "<p>None.</p>"}</div></details>'
    )


def _card(item: Compared, picture: bytes | None, zone: ZoneInfo) -> str:
    event = item.event
    shown = (
        '<div class="missing">no picture is kept any more</div>'
        if picture is None
        else f'<img loading="lazy" alt="{escape(event.rule)} on {escape(event.camera)}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
    )
    what = " · ".join(
        part
        for part in (event.camera, event.class_name, f"score {event.score:.2f}", event.mode)
        if part and part != "live"
    )
    return (
        f'<article class="{item.fate}">{shown}<h3>{escape(event.rule)} '
        f'<span class="severity">{escape(event.severity)}</span></h3>'
        f"<p>{_when(event.opened_at, zone)}, {_span(event)}</p><p>{escape(what)}</p>"
        f'{_changes(item)}{_reasons(event)}<p class="id">{escape(event.event_id)}</p></article>'
    )


def _changes(item: Compared) -> str:
    """Say what differs where both sides raised the event, or what it has become part of."""
    if item.within is not None:
        side = "of the new rules" if item.after is None else "raised then"
        return f'<p class="change">falls into event {escape(item.within[:8])} {side}</p>'
    if item.before is None or item.after is None:
        return ""
    before, after = item.before, item.after
    told = []
    if before.opened_at != after.opened_at:
        told.append(f"opens {(after.opened_at - before.opened_at) / 1000:+.1f} s")
    if before.ended_at != after.ended_at:
        told.append(f"ends {(after.ended_at - before.ended_at) / 1000:+.1f} s")
    if before.severity != after.severity:
        told.append(f"{before.severity} before")
    if before.triggers != after.triggers:
        told.append(f"{after.triggers} triggers instead of {before.triggers}")
    return f'<p class="change">{escape(", ".join(told))}</p>' if told else ""


def _reasons(event: Raised) -> str:
    told = [
        f"{reason['check']} {'+' if reason['for'] else '−'}{reason['value']:.2f}"
        for candidate in event.candidates[:1]
        for reason in candidate["reasons"]
    ]
    return f'<p class="reasons">{escape(" · ".join(told))}</p>' if told else ""


def _span(event: Raised) -> str:
    return f"{(event.ended_at - event.opened_at) / 1000:.1f} s"


def _when(at: int, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(at / 1000, zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at % 1000:03d}"
