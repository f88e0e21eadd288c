"""``sightline events explain --why-not``: which step kept a moment from becoming an event."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.tree import Tree

from infra.cli.rerun import RunningConfigs, Said, Stretch, moment, rerun, tell
from infra.cli.whynot import Answer, explain
from infra.cli.whynot_probe import Probe
from infra.cli.whynot_steps import clock
from infra.runtime.settings import Settings
from schemas.errors import Rejected
from streams.core.checks.pending import PATIENCE_MS

_MARGIN_MS = 2000
_MARKS = {True: "[green]✓[/]", False: "[red]✗[/]"}


def look_again(
    settings: Settings,
    camera: str,
    at: str,
    within_s: float,
    sensor: str | None = None,
    rule: str | None = None,
) -> tuple[list[Answer], Said]:
    """Run the stages around a moment once more, and explain it.

    Judged under the version of the configuration that the frames carry.

    Raises:
        Rejected: there is no such camera, sensor or rule, or nothing is kept of that time.
        Retryable: Kafka does not answer.
    """
    bootstrap = settings.need("edge_kafka")
    probe = Probe(camera, moment(at), round(within_s * 1000))
    found = probe.found
    # To the latest decision on what matched around the moment, and the beat that brings it.
    until = found.at + found.within_ms + PATIENCE_MS + _MARGIN_MS
    stretch = Stretch(found.at - found.within_ms, until)
    running = RunningConfigs(bootstrap)
    try:
        said = rerun(
            *(bootstrap, running.latest((camera,)), running.get, stretch, (camera,)),
            observe=lambda _flow: probe,
        )
        config = running.get(found.version) if found.version else running.latest((camera,))
    finally:
        running.close()
    if found.reached < stretch.start:
        raise Rejected(
            f"camera {camera} has come to {clock(found.reached)} only: {at} has not been yet"
        )
    return explain(found, config, sensor, rule), said


def tree_of_answers(camera: str, at: str, answers: Sequence[Answer], said: Said) -> Tree:
    """Return what was found for a person, a branch for each sensor and rule."""
    tree = Tree(f"[bold]{escape(camera)}[/] at {escape(at)}")
    for note in tell(said):
        tree.add(f"[dim]{escape(note)}[/]")
    for answer in answers:
        name = f"sensor {answer.sensor}" + (f", rule {answer.rule}" if answer.rule else "")
        branch = tree.add(f"[bold]{escape(name)}[/]")
        for step in answer.steps:
            branch.add(f"{_MARKS[step.passed]} {step.name}: {escape(step.told)}")
        stopped = answer.stopped
        end = "nothing stopped it" if stopped is None else f"stopped at the {stopped.name}"
        branch.add(f"[bold]{end}[/]")
    return tree
