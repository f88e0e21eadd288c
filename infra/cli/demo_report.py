"""What a demo shows: each event the moment its row is in Postgres, evidence, and a summary."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg.rows import DictRow, dict_row
from rich.console import Console
from rich.markup import escape

from consumers.store.following import follow
from consumers.store.rows import EventChange
from infra.cli.demo_truth import Comparison, compare
from infra.cli.links import EvidenceLinks
from infra.cli.platform import Platform

LOOK_EVERY_S = 0.5
_COLOURS = {"alert": "red", "warning": "yellow", "info": "cyan"}


def watch(
    platform: Platform, seconds: float | None, stopping: threading.Event, console: Console
) -> int:
    """Print events until the time is over or ``stopping`` is set; return the exit code."""
    report = _Report(platform, console)
    began = datetime.now(UTC)
    follower = threading.Thread(target=report.follow, args=(began, stopping), daemon=True)
    follower.start()
    console.print(_welcome(platform, seconds))
    deadline = time.monotonic() + seconds if seconds is not None else None
    while not stopping.wait(LOOK_EVERY_S):
        report.print_evidence(began)
        if deadline is not None and time.monotonic() > deadline:
            break
    stopping.set()
    follower.join(timeout=5)
    report.print_evidence(began)
    return report.summary(began)


class _Report:
    def __init__(self, platform: Platform, console: Console) -> None:
        self._platform = platform
        self._console = console
        self._dsn = platform.stack.endpoints.postgres_dsn
        self._links = EvidenceLinks(platform.settings)
        self._shown_events: set[str] = set()
        self._shown_evidence: set[str] = set()
        self._delays: list[float] = []
        self._opened: Counter[str] = Counter()

    def follow(self, began: datetime, stopping: threading.Event) -> None:
        for change in follow(self._dsn, since=began, stopping=stopping):
            if change.state == "opened":
                self._opened[change.rule] += 1
                self._delays.append((change.stored_at - change.opened_at).total_seconds())
            self._console.print(_line(change), soft_wrap=True)
            self._shown_events.add(change.event_id)

    def print_evidence(self, began: datetime) -> None:
        with psycopg.connect(self._dsn, row_factory=dict_row) as connection:
            rows = connection.execute(
                "SELECT evidence_id, event_id, kind, status, reason, size, bucket, object_key "
                "FROM evidence WHERE stored_at >= %s ORDER BY stored_at",
                [began],
            ).fetchall()
        for row in rows:
            is_new = row["evidence_id"] not in self._shown_evidence
            # An event's own line comes first.
            if is_new and row["event_id"] in self._shown_events:
                self._shown_evidence.add(row["evidence_id"])
                self._console.print(self._evidence_line(row), soft_wrap=True)

    def summary(self, began: datetime) -> int:
        total = sum(self._opened.values())
        print_ = self._console.print
        print_(f"\n[bold]{total} events[/], {len(self._shown_evidence)} pieces of evidence")
        for rule, count in sorted(self._opened.items()):
            print_(f"  {escape(rule):<24} {count}")
        if self._delays:
            ordered = sorted(self._delays)
            print_(
                f"delay from capture to the row in Postgres: median {_at(ordered, 0.5):.2f} s, "
                f"99 % within {_at(ordered, 0.99):.2f} s"
            )
        comparison = compare(self._platform, began)
        if comparison is not None:
            _print_comparison(comparison, self._console)
        for camera, reason in self._lost_cameras():
            print_(f"[red]camera {escape(camera)} is offline[/]: {escape(reason)}", soft_wrap=True)
        if not total:
            print_("[red]no event arrived[/]: see `sightline status` and `sightline logs`")
            return 3
        return 0

    def _lost_cameras(self) -> list[tuple[str, str]]:
        with psycopg.connect(self._dsn) as connection:
            return connection.execute(
                "SELECT name, coalesce(reason, '') FROM health "
                "WHERE site = %s AND kind = 'camera' AND state = 'offline' ORDER BY name",
                [self._platform.site],
            ).fetchall()

    def _evidence_line(self, row: DictRow) -> str:
        event = str(row["event_id"] or "")[:8]
        if row["status"] != "ok":
            return f"           {row['kind']} of {event}: {row['status']}, {row['reason']}"
        link = self._links.link(row["bucket"], row["object_key"])
        return f"           {row['kind']} of {event}, {row['size'] / 1000:.0f} kB: {escape(link)}"


def _line(change: EventChange) -> str:
    colour = _COLOURS.get(change.severity, "white")
    delay = (change.stored_at - change.at).total_seconds()
    return (
        f"{change.at.astimezone(UTC):%H:%M:%S} [{colour}]{change.severity:<7}[/] "
        f"{change.state:<7} {escape(change.rule):<16} {change.class_name or '':<7} "
        f"score {change.score:.2f} {change.verdict}, {delay:.2f} s after capture  "
        f"{change.event_id}"
    )


def _print_comparison(comparison: Comparison, console: Console) -> None:
    console.print("against the scene's ground truth:")
    for rule, found in sorted(comparison.rules.items()):
        missed = f", missed at {found.missed_text}" if found.missed else ""
        console.print(
            f"  {escape(rule):<24} {found.hits} of {found.expected} found, "
            f"{found.extra} false{missed}"
        )


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _welcome(platform: Platform, seconds: float | None) -> str:
    folder = platform.data_dir
    home = "" if folder == Path(".sightline") else f" --data-dir {folder}"
    end = f"for {seconds:g} s" if seconds is not None else "until Ctrl-C"
    return (
        f"site [bold]{platform.site}[/] runs {end}. In another terminal: "
        f"`sightline status{home}`, `sightline events explain ID{home}`, "
        f"`sightline topics tail triggers -f{home}`\n"
    )
