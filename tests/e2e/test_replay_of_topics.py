"""``replay --topic detections`` from the middle of a run gives what live gave, byte for byte."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from infra.cli.platform import SERVICES
from infra.cli.replay_results import event_lines, verdict_lines
from infra.cli.replay_topic import in_order
from infra.local.service import ServiceSpec
from infra.runtime.kafka import read_all
from schemas.codec import decode
from schemas.records import Event, Verdict
from tests import pets
from tests.product import Product, run_cli
from tests.replaying import epoch_of

STREAMS = next(spec for spec in SERVICES if spec.name == "streams")
CAMERA = "recorded"
CHECKPOINT_S = "2"
FROM_S, TO_S = 30, 60


def test_a_stretch_is_said_again_as_live_said_it(product: Product, tmp_path: Path) -> None:
    product.stack.stop_part("streams")
    environment = product.platform.settings.environment()
    often = environment | {"SIGHTLINE_CHECKPOINT_S": CHECKPOINT_S}
    product.stack.start_services([ServiceSpec("streams-often", STREAMS.args, STREAMS.needs, often)])
    try:
        product.apply(pets.site_yaml({CAMERA: "max"}), tmp_path, local=True)
        product.finish(CAMERA)
    finally:
        product.stack.stop_part("streams-often")
        product.stack.start_part("streams")
    start = epoch_of(product, CAMERA) + FROM_S * 1000
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


def test_it_starts_from_a_checkpoint_not_from_the_beginning(product: Product) -> None:
    start = epoch_of(product, CAMERA) + FROM_S * 1000
    arguments = ("replay", "--topic", "detections", "--camera", CAMERA, "--from", _iso(start))
    told = run_cli(*arguments, data_dir=product.platform.data_dir).stderr
    since = re.search(rf"{CAMERA} starts from its checkpoint at (\S+)", told)
    assert since is not None, told
    reached = datetime.fromisoformat(since[1]).timestamp() * 1000
    assert start - FROM_S * 1000 < reached < start


def _live(product: Product, start: int, until: int) -> tuple[list[str], list[str]]:
    """Return the lines of what live said in a stretch; a repeat stands in the topic twice."""
    events: dict[tuple[str, int], Event] = {}
    verdicts: dict[tuple[str, int], Verdict] = {}
    for message in read_all(product.ends.edge_kafka, "up.events"):
        record = decode(message.value)
        if isinstance(record, Event) and record.camera == CAMERA and start <= record.at < until:
            events.setdefault((record.event_id, record.revision), record)
    for message in read_all(product.ends.edge_kafka, "up.verdicts"):
        found = decode(message.value)
        if (
            isinstance(found, Verdict)
            and found.camera == CAMERA
            and start <= found.decided_at < until
        ):
            verdicts.setdefault((found.candidate_id, found.revision), found)
    ordered = in_order(events.values(), verdicts.values())
    return list(event_lines(ordered[0], start)), list(verdict_lines(ordered[1], start))


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()
