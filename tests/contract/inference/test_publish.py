"""The commands of a rollout, with a Kafka that is site and cloud at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.cli.main import build
from infra.cli.rollout import EXIT_STOPPED
from infra.runtime import models_topic
from infra.runtime.kafka import RecordProducer, read_all
from infra.runtime.models_topic import ModelsTopic
from schemas.codec import decode_as
from schemas.errors import Rejected
from schemas.records import ModelChunk
from schemas.releases import TOPIC, chunk_key, chunks_of, digest_of
from tests.contract.inference.conftest import SITE, Place
from tests.contract.inference.test_updates import Site as Publisher
from tests.contract.inference.test_updates import running, site
from tests.unit.streams.inference.updating.networks import save_network

__all__ = ["site"]


class Console:
    """Runs ``sightline models ...`` against the cloud."""

    def __init__(self, site: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SIGHTLINE_CLOUD_KAFKA", site.place.kafka)
        monkeypatch.setenv("COLUMNS", "200")
        self.site = site

    def models(self, *words: str) -> Result:
        return CliRunner().invoke(build("models"), ["models", *words])

    def publish(self, score: float, *words: str) -> Result:
        path = str(self.site.weights(score))
        card = ("--format", "yolo", "--size", "32x32", "--labels", "person")
        return self.models("publish", path, "--as", self.site.model, *card, *words)

    def row(self, of: str = SITE) -> list[str]:
        """Return site, wanted, state and what runs as ``rollouts`` shows it."""
        shown = [line.split() for line in self.models("rollouts").stdout.splitlines()]
        (row,) = [words[1:5] for words in shown if words[:2] == [self.site.model, of]]
        return row


@pytest.fixture
def console(site: Publisher, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    with running(site.place):
        yield Console(site, monkeypatch)


def test_a_rollout_goes_on_stops_and_comes_back(console: Console) -> None:
    done = console.publish(0.9, "--site", SITE)
    assert done.exit_code == 0 and f"runs at {SITE}" in done.stdout, done.output
    _, first, state, runs = console.row()
    assert state == "applied" and runs == first

    waves = ("--site", SITE, "--site", "ghost", "--waves", "1,100%", "--wait", "60s")
    stopped = console.publish(0.8, *waves, "--rollback-on-failure")
    assert stopped.exit_code == EXIT_STOPPED
    assert "ghost: no receipt" in stopped.stdout and "put back" in stopped.stdout
    assert console.row() == [SITE, first, "applied", first]
    assert "ghost" not in console.models("rollouts").stdout, "it has no wish and no receipt"

    gone = console.models("withdraw", console.site.model, "--site", SITE)
    assert gone.exit_code == 0 and first in gone.stdout
    again = console.models("withdraw", console.site.model, "--all")
    assert isinstance(again.exception, Rejected)


def test_what_differs_too_much_stops_the_rollout(console: Console) -> None:
    assert console.publish(0.9, "--site", SITE).exit_code == 0
    stopped = console.publish(0.4, "--site", SITE, "--max-score-change", "0.1")
    assert stopped.exit_code == EXIT_STOPPED
    assert "scores change by" in stopped.stdout and "withdraw" in stopped.stdout
    _, wanted, state, runs = console.row()
    assert state == "refused" and runs != wanted


def test_a_model_without_weights_is_published_by_its_card_alone(
    console: Console, tmp_path: Path
) -> None:
    card = tmp_path / "card.yaml"
    card.write_text("decoding: foreground\nlabels: [object]\nmin_score: 0.25\n")
    words = ("publish", "--as", console.site.model, "--card", str(card), "--site", SITE)
    done = console.models(*words)
    assert done.exit_code == 0 and f"runs at {SITE}" in done.stdout, done.output
    assert console.row()[2] == "applied"
    refused = console.models(*words, "--address", "https://example.org/m.onnx")
    assert isinstance(refused.exception, Rejected) and "file" in str(refused.exception)


def test_the_topic_heals_and_is_tidied(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_network(tmp_path / "model.onnx", 0.31)
    digest = digest_of(path)
    (chunk,) = chunks_of(path, digest, 1)
    key = chunk_key(digest, 0)
    producer = RecordProducer(place.kafka, "test")
    damaged = ModelChunk(sha256=digest, chunk=0, chunks=1, data=b"damaged", published_at=1)
    producer.send(TOPIC, damaged, key=key)
    producer.flush()
    with closing(ModelsTopic(place.kafka)) as topic:
        topic.send_weights(path, digest)
    assert last(place, key).data == chunk.data

    with closing(ModelsTopic(place.kafka)) as recent:
        recent.tidy()
    assert not last(place, key).deleted, "its wish may be on its way"
    monkeypatch.setattr(models_topic, "IDLE_MS", -60_000)
    with closing(ModelsTopic(place.kafka)) as idle:
        idle.tidy()
    assert last(place, key).deleted and last(place, key).data == b""


def last(place: Place, key: str) -> ModelChunk:
    found = [one.value for one in read_all(place.kafka, TOPIC) if one.key == key]
    return decode_as(ModelChunk, found[-1])
