"""``sightline replay --topic detections``: what live said of a stretch, said again.

From the checkpoint before ``--from``, and with ``--site running`` under the versions that the
detections carry, the events and verdicts are those of the live run, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from infra.cli import replay_results
from infra.cli.configuring import read_site
from infra.cli.connection import DEFAULT_DATA_DIR, connect
from infra.cli.flow import Configs
from infra.cli.rerun import RunningConfigs, Said, rerun, stretch_of, tell
from infra.cli.retained import SOURCE
from schemas.errors import Rejected
from schemas.records import Event, Verdict

RUNNING = "running"


def wanted(arguments: Sequence[str]) -> bool:
    """Tell whether the arguments of ``replay`` ask for this form of it."""
    return any(given == "--topic" or given.startswith("--topic=") for given in arguments)


def run(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    found = _parser().parse_args(arguments)
    try:
        said = _replay(found)
    except Rejected as error:
        print(f"sightline replay: {error}", file=sys.stderr)
        return 2
    write(said, found.triggers_out, found.events_out, found.verdicts_out)
    for line in tell(said):
        print(line, file=sys.stderr)
    opened = sum(event.state == "opened" for event in said.events)
    triggers = sum(len(message.triggers) for message in said.sensed)
    print(
        f"{said.readings} readings: {triggers} triggers, {len(said.verdicts)} verdicts, "
        f"{opened} events",
        file=sys.stderr,
    )
    return 0


def write(said: Said, triggers: Path | None, events: Path | None, verdicts: Path | None) -> None:
    """Write the results; times count from the beginning of the stretch."""
    first_at = said.stretch.start
    changes, decisions = in_order(said.events, said.verdicts)
    replay_results.write(triggers, replay_results.trigger_lines(said.sensed, first_at))
    replay_results.write(events, replay_results.event_lines(changes, first_at))
    replay_results.write(verdicts, replay_results.verdict_lines(decisions, first_at))


def in_order(
    events: Iterable[Event], verdicts: Iterable[Verdict]
) -> tuple[list[Event], list[Verdict]]:
    """Sort by time, then by id: topics keep no order between keys."""
    return (
        sorted(events, key=lambda event: (event.at, event.event_id, event.revision)),
        sorted(verdicts, key=lambda item: (item.decided_at, item.candidate_id, item.revision)),
    )


def _replay(found: argparse.Namespace) -> Said:
    stretch = stretch_of(found.start, found.until)
    home = os.environ.get("SIGHTLINE_HOME")
    data_dir = found.data_dir or (Path(home) if home else DEFAULT_DATA_DIR)
    bootstrap = connect(data_dir).need("edge_kafka")
    running = RunningConfigs(bootstrap)
    try:
        configs: Configs = running.get
        if found.site != RUNNING:
            _, other = read_site(Path(found.site))
            configs = running.judging_by(other)
        latest = running.latest(found.cameras)
        as_live = found.site == RUNNING
        return rerun(bootstrap, latest, configs, stretch, tuple(found.cameras), as_live=as_live)
    finally:
        running.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sightline replay",
        description="Run the live core again over the detections that the site still keeps.",
        allow_abbrev=False,
    )
    parser.add_argument("--topic", required=True, choices=[SOURCE])
    parser.add_argument(
        "--site",
        default=RUNNING,
        metavar="SITE.yaml|running",
        help="judge under this file, or under what ran then (running, the default)",
    )
    parser.add_argument("--from", dest="start", required=True, metavar="ISO")
    parser.add_argument("--to", dest="until", metavar="ISO", help="all that there is by default")
    parser.add_argument(
        "--camera", dest="cameras", action="append", default=[], metavar="NAME", help="only it"
    )
    parser.add_argument("--data-dir", type=Path, default=None, metavar="DIR")
    outputs = parser.add_argument_group("results, times in seconds since --from")
    outputs.add_argument("--triggers-out", type=Path, metavar="T.jsonl")
    outputs.add_argument("--events-out", type=Path, metavar="E.jsonl")
    outputs.add_argument("--verdicts-out", type=Path, metavar="V.jsonl")
    return parser
