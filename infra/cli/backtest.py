"""``sightline backtest``: what new rules would have raised over what is kept, beside what was."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
import yaml

from infra.cli.backtest_compare import Compared, compare, counts, gather
from infra.cli.backtest_page import Page, render
from infra.cli.backtest_pictures import pictures_of
from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.cli.rerun import NEVER, RunningConfigs, Said, rerun, stretch_of, tell
from infra.runtime.reading import read_on
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.records import Event
from schemas.site import SiteConfig, canonical, check
from schemas.topics import PARTITIONS

PARTS = ("sensors", "rules")
EXIT_FAULTY = 2


def register(app: typer.Typer) -> None:
    """Add the ``backtest`` command."""

    @app.command("backtest")
    def backtest(
        rules: Annotated[
            Path,
            typer.Option(
                metavar="NEW.yaml",
                help="A site file, or only its `sensors:` and `rules:`, which replace the site's.",
            ),
        ],
        start: Annotated[str, typer.Option("--from", metavar="ISO")],
        until: Annotated[str | None, typer.Option("--to", metavar="ISO")] = None,
        camera: Annotated[list[str] | None, typer.Option(help="Only this camera.")] = None,
        out: Annotated[Path, typer.Option(help="The page to write.")] = Path("backtest.html"),
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Show what new rules would have raised, side by side with what was raised."""
        settings = connect(data_dir)
        bootstrap = settings.need("edge_kafka")
        stretch = stretch_of(start, until)
        running = RunningConfigs(bootstrap)
        try:
            config = running.latest(camera or ())
            new = _changed(rules, canonical(config).decode())
            if new.site != config.site:
                raise Rejected(
                    f"{rules} is for site {new.site}, the stack here runs {config.site}: give "
                    "--data-dir, or change `site:`"
                )
            judging = running.judging_by(new)
            cameras = frozenset(camera or config.cameras)
            said = rerun(bootstrap, config, judging, stretch, tuple(camera or ()), as_live=False)
        finally:
            running.close()
        then = (event for event in _raised(bootstrap) if event.camera in cameras)
        found = compare(
            gather(then, stretch.start, stretch.until),
            gather(said.events, stretch.start, stretch.until),
        )
        page = Page(
            site=config.site,
            rules=rules.name,
            start=stretch.start,
            until=_end(said, found),
            timezone=config.timezone,
            readings=said.readings,
            notes=tell(said),
        )
        out.write_text(render(page, found, pictures_of(settings, found)), encoding="utf-8")
        for line in page.notes:
            print(line, file=sys.stderr)
        print(", ".join(f"{number} {fate}" for fate, number in counts(found).items()))
        print(out)


def merged(running: str, changes: str) -> str:
    """Return the site's configuration with the parts that ``changes`` names, both YAML.

    A whole site file stands for itself.

    Raises:
        Rejected: it is neither a site file nor sensors and rules.
    """
    try:
        new = yaml.safe_load(changes)
    except yaml.YAMLError as error:
        raise Rejected(f"the new rules are no YAML: {error}") from error
    if not isinstance(new, dict) or not new:
        raise Rejected("the new rules are empty: write `rules:` and, if they change, `sensors:`")
    if "cameras" in new:
        return changes
    strange = sorted(str(name) for name in new if name not in PARTS)
    if strange:
        raise Rejected(
            f"{', '.join(strange)}: allowed are {' and '.join(PARTS)}, or a whole site file"
        )
    old = yaml.safe_load(running)
    return yaml.safe_dump({**old, **new}, sort_keys=False)


def _changed(path: Path, running: str) -> SiteConfig:
    checked = check(merged(running, path.read_text(encoding="utf-8")))
    for fault in checked.faults:
        print(f"{path}: {fault}", file=sys.stderr)
    if checked.config is None:
        raise typer.Exit(EXIT_FAULTY)
    return checked.config


def _raised(bootstrap: str) -> Iterator[Event]:
    for partition in range(PARTITIONS):
        for message in read_on(bootstrap, "up.events", partition, 0):
            try:
                record = decode(message.value)
            except Rejected:
                continue
            if isinstance(record, Event):
                yield record


def _end(said: Said, found: list[Compared]) -> int:
    """Return where the drawing ends: at ``--to``, else where the last event did."""
    if said.stretch.until != NEVER:
        return said.stretch.until
    ends = [raised.ended_at for item in found for raised in (item.before, item.after) if raised]
    return max([said.stretch.start + 1000, said.reached, *ends])
