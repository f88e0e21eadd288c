"""A second look at what is kept: replays of topics, backtests, and why nothing was raised."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.cli.platform import SERVICES
from infra.cli.replay_results import event_lines, verdict_lines
from infra.cli.replay_topic import in_order
from infra.cli.rerun import NEVER
from infra.local.service import ServiceSpec
from schemas.records import Event, Verdict
from tests import pets
from tests.product import Product, run_cli
from tests.replaying import epoch_of

STREAMS = next(spec for spec in SERVICES if spec.name == "streams")
CAMERA = "recorded"
CHECKPOINT_S = "2"
FROM_S, TO_S = 30, 60


@pytest.fixture(scope="module")
def epoch(product: Product, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Run the footage with many checkpoints; return its epoch, UTC ms."""
    product.stack.stop_part("streams")
    environment = product.platform.settings.environment()
    often = environment | {"SIGHTLINE_CHECKPOINT_S": CHECKPOINT_S}
    product.stack.start_services([ServiceSpec("streams-often", STREAMS.args, STREAMS.needs, often)])
    try:
        folder = tmp_path_factory.mktemp("site")
        product.apply(pets.site_yaml({CAMERA: "max"}), folder, local=True)
        product.finish(CAMERA)
    finally:
        product.stack.stop_part("streams-often")
        product.stack.start_part("streams")
    return epoch_of(product, CAMERA)


def test_a_stretch_is_said_again_as_live_said_it(
    product: Product, epoch: int, tmp_path: Path
) -> None:
    start = epoch + FROM_S * 1000
    until = start + (TO_S - FROM_S) * 1000

    outputs = {name: tmp_path / f"{name}.jsonl" for name in ("events", "verdicts")}
    told = product.cli(
        *("replay", "--topic", "detections", "--site", "running", "--camera", CAMERA),
        *("--from", _iso(start), "--to", _iso(until)),
        *(part for name, path in outputs.items() for part in (f"--{name}-out", str(path))),
    )

    events, verdicts = _live(product, start, until)
    assert events and verdicts, told
    assert outputs["events"].read_text() == "".join(f"{line}\n" for line in events)
    assert outputs["verdicts"].read_text() == "".join(f"{line}\n" for line in verdicts)


def test_it_starts_from_a_checkpoint_not_from_the_beginning(product: Product, epoch: int) -> None:
    start = epoch + FROM_S * 1000
    arguments = ("replay", "--topic", "detections", "--camera", CAMERA, "--from", _iso(start))
    told = run_cli(*arguments, data_dir=product.platform.data_dir).stderr
    since = re.search(rf"{CAMERA} starts from its checkpoint at (\S+)", told)
    assert since is not None, told
    reached = datetime.fromisoformat(since[1]).timestamp() * 1000
    assert start - FROM_S * 1000 < reached < start


def test_what_an_operator_said_is_heard_again(product: Product, epoch: int, tmp_path: Path) -> None:
    event = product.local_events(CAMERA)[0]["event_id"]
    product.cli("filter", "say", event, "dismissed")
    start = epoch + FROM_S * 1000

    def revised() -> list[str]:
        return [line for line in _live(product, start, NEVER)[1] if '"operator"' in line]

    product.wait("the verdict is revised", revised)

    path = tmp_path / "verdicts.jsonl"
    product.cli(
        *("replay", "--topic", "detections", "--camera", CAMERA, "--from", _iso(start)),
        *("--verdicts-out", str(path)),
    )
    assert path.read_text() == "".join(f"{line}\n" for line in _live(product, start, NEVER)[1])


def test_a_backtest_tells_what_is_added_gone_and_same(
    product: Product, epoch: int, tmp_path: Path
) -> None:
    rules = yaml.safe_load(pets.site_yaml({CAMERA: "max"}))["rules"]
    forward, backward = f"{CAMERA}-forward", f"{CAMERA}-backward"
    new = tmp_path / "new.yaml"
    new.write_text(yaml.safe_dump({"rules": {backward: rules[backward], "new": rules[forward]}}))
    page = tmp_path / "page.html"
    raised = Counter(event["rule"] for event in product.local_events(CAMERA))

    told = product.cli(
        *("backtest", "--rules", str(new), "--camera", CAMERA, "--from", _iso(epoch)),
        *("--out", str(page)),
    )

    expected = f"{raised[forward]} added, {raised[forward]} gone, {raised[backward]} same"
    assert told.splitlines()[0] == expected
    text = page.read_text()
    assert text.count("<article") == 2 * raised[forward] + raised[backward]
    assert text.count("data:image/jpeg") >= raised[forward] + raised[backward]


def test_why_not_finds_the_step_that_stopped_a_moment(product: Product, epoch: int) -> None:
    event = next(one for one in product.local_events(CAMERA) if one["rule"] == f"{CAMERA}-forward")
    asked = ("events", "explain", "--why-not", "--camera", CAMERA, "--json", "--within-s", "1")
    at = ("--at", _iso(event["opened_at"]))

    def answer(*further: str) -> dict[str, Any]:
        (line,) = product.cli(*asked, *further).splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    through = answer(*at, "--rule", f"{CAMERA}-forward")["steps"]
    assert all(step["passed"] for step in through)
    assert event["event_id"] in through[-1]["told"]
    before = _iso(epoch - 60_000)
    refused = run_cli(*asked, "--at", before, data_dir=product.platform.data_dir)
    early = json.loads(refused.stdout.splitlines()[0])["steps"]
    assert [step["name"] for step in early] == ["frame"] and not early[0]["passed"]


def _live(product: Product, start: int, until: int) -> tuple[list[str], list[str]]:
    """Return the lines of what live said in a stretch; a repeat stands in the topic twice."""
    events: dict[tuple[str, int], Event] = {}
    verdicts: dict[tuple[str, int], Verdict] = {}
    for record in product.records("up.events", Event):
        if record.camera == CAMERA and start <= record.at < until:
            events.setdefault((record.event_id, record.revision), record)
    for found in product.records("up.verdicts", Verdict):
        if found.camera == CAMERA and start <= found.decided_at < until:
            verdicts.setdefault((found.candidate_id, found.revision), found)
    ordered = in_order(events.values(), verdicts.values())
    return list(event_lines(ordered[0], start)), list(verdict_lines(ordered[1], start))


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()
