"""Live updates on a real Kafka and a real Triton: chunks and addresses, refusals, no lost request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from infra.runtime.kafka import RecordProducer, read_all
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.codec import decode_as
from schemas.errors import Rejected, Retryable, SightlineError
from schemas.records import Detections, Look, ModelUpdate, Reading, Receipt
from schemas.releases import TOPIC, chunk_key, chunks_of, update_key
from streams.inference import repository
from streams.inference.client import TritonClient
from streams.inference.updating.pictures import drawn_picture
from streams.inference.updating.receipts import Told, told_by
from streams.inference.updating.run import run_models
from tests.contract.inference.conftest import SITE, Place
from tests.serving import in_thread
from tests.unit.streams.inference.updating.networks import CARD, save_network
from tests.unit.streams.inference.updating.updates import update

PATIENCE_S = 60.0


class Site:
    """A site with the service running, and what publishes to it."""

    def __init__(self, place: Place, tmp_path: Path, model: str) -> None:
        self.place = place
        self.model = model
        self.tmp_path = tmp_path
        self.producer = RecordProducer(place.kafka, "test-updates")
        self._published_at = time.time_ns() // 1_000_000

    def weights(self, score: float) -> Path:
        return save_network(self.tmp_path / f"{score}.onnx", score)

    def wish(self, path: Path, card: str = CARD, **values: Any) -> ModelUpdate:
        self._published_at += 1
        sound = {"model": self.model, "published_at": self._published_at, "sites": (SITE,)}
        return update(path.read_bytes(), card, **sound | values)

    def send_chunks(self, path: Path) -> None:
        digest = sha256(path.read_bytes()).hexdigest()
        for chunk in chunks_of(path, digest, 1):
            self.producer.send(TOPIC, chunk, key=chunk_key(digest, chunk.chunk))
        self.producer.flush()

    def send(self, wish: ModelUpdate) -> ModelUpdate:
        self.producer.send(TOPIC, wish, key=update_key(self.model, SITE))
        self.producer.flush()
        return wish

    def receipts(self) -> list[Told]:
        found = []
        for message in read_all(self.place.kafka, "up.receipts"):
            if message.key == f"{SITE}/model/{self.model}":
                found.append(told_by(decode_as(Receipt, message.value)))
        return found

    def told(self, wish: ModelUpdate, *states: str) -> Told:
        """Wait for a receipt of this update with one of these states."""
        found: list[Told] = []

        def there() -> bool:
            found[:] = [
                one
                for one in self.receipts()
                if one.published_at == wish.published_at and one.state in states
            ]
            return bool(found)

        await_that(there)
        return found[-1]

    @property
    def served(self) -> tuple[str, ...]:
        client = TritonClient(self.place.triton)
        try:
            return client.versions(self.model)
        finally:
            client.close()


def await_that(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it has not come about"
        time.sleep(0.2)


@contextmanager
def running(place: Place) -> Iterator[Service]:
    settings = Settings(
        site=SITE,
        edge_kafka=place.kafka,
        triton_grpc=place.triton,
        model_repository=str(place.repository),
    )
    service = Service("updates", settings)
    with in_thread(service, run_models, PATIENCE_S):
        yield service


@pytest.fixture
def site(place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    """A site of which each test uses a model of its own."""

    def readable() -> bool:
        # A topic that has just been created has no leader for a moment.
        try:
            read_all(place.kafka, "up.receipts")
        except Retryable:
            return False
        return True

    await_that(readable)
    return Site(place, tmp_path, request.node.name.removeprefix("test_")[:60])


@contextmanager
def under_load(site: Site) -> Iterator[list[object]]:
    """Ask the model all the time, and give what went wrong and which versions answered."""
    client = TritonClient(site.place.triton)
    stop = threading.Event()
    answers: list[object] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                answers.append(client.infer(site.model, drawn_picture()).model_version)
            except SightlineError as error:
                answers.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        client.close()


def test_chunks_are_applied_and_no_request_fails(site: Site) -> None:
    first, second = site.weights(0.9), site.weights(0.8)
    with running(site.place):
        site.send_chunks(first)
        told = site.told(site.send(site.wish(first)), "applied")
        assert told.running.version == "1" and site.served == ("1",)
        with under_load(site) as answers:
            await_that(lambda: len(answers) > 20)
            wish = site.send(site.wish(second, max_missing=0.0, max_score_change=0.2))
            site.send_chunks(second)
            told = site.told(wish, "applied")
            await_that(lambda: answers.count("2") > 20)
        assert told.running.release == wish.version and told.running.sha256 == wish.sha256
        assert set(answers) == {"1", "2"}, "every request was answered"
        assert answers.index("2") > answers.count("1") - 10, "and none by both"


def test_damage_is_refused_and_the_version_before_serves_on(site: Site) -> None:
    good, bad = site.weights(0.9), site.tmp_path / "bad.onnx"
    bad.write_bytes(b"not a network")
    with running(site.place):
        site.send_chunks(good)
        applied = site.send(site.wish(good))
        site.told(applied, "applied")
        # These chunks are not what the checksum says.
        wish = site.wish(site.weights(0.7))
        chunk = next(chunks_of(bad, wish.sha256, 1))
        site.producer.send(TOPIC, chunk, key=chunk_key(wish.sha256, 0))
        told = site.told(site.send(wish), "refused")
        assert "SHA-256" in told.message and told.running.release == applied.version
        # And these are, but no model.
        site.send_chunks(bad)
        told = site.told(site.send(site.wish(bad)), "refused")
        assert "not taken over" in told.message
        # A card that is none.
        told = site.told(site.send(site.wish(good, card="labels: [")), "refused")
        assert told.running.release == applied.version
        assert site.served == ("1",)
        assert repository.versions(site.place.repository, site.model) == ["1"]


def test_a_restart_says_the_same_and_does_nothing_twice(site: Site) -> None:
    path = site.weights(0.9)
    with running(site.place):
        site.send_chunks(path)
        wish = site.send(site.wish(path))
        site.told(wish, "applied")
    before = site.receipts()
    with running(site.place):
        await_that(lambda: len(site.receipts()) > len(before))
        missing = site.send(site.wish(site.weights(0.6)))
    # What has not come is no reason to hang at the end, and it is waited for after the restart.
    again = site.receipts()
    assert {one.revision for one in again} == {one.revision for one in before}
    assert repository.versions(site.place.repository, site.model) == ["1"]
    with running(site.place):
        site.send_chunks(site.weights(0.6))
        assert site.told(missing, "applied").running.version == "2"


class Ranges(SimpleHTTPRequestHandler):
    """Serves files, in two parts: the first answer ends in the middle."""

    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers["Range"])
        if self.path == "/elsewhere.onnx":
            self.send_response(302)
            self.send_header("Location", "/model.onnx")
            self.end_headers()
            return
        data = Path(self.translate_path(self.path)).read_bytes()
        start = int((self.headers["Range"] or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:] if start else data[: len(data) // 2])

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def test_an_address_is_fetched_and_resumed(site: Site) -> None:
    save_network(site.tmp_path / "model.onnx", 0.9)
    Ranges.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, directory=str(site.tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}/elsewhere.onnx"
        with running(site.place):
            wish = site.wish(site.tmp_path / "model.onnx", chunks=0, address=address)
            assert site.told(site.send(wish), "applied").running.version == "1"
            assert any(asked for asked in Ranges.asked), "the second request went on"
            gone = site.wish(site.weights(0.7), chunks=0, address=address)
            refused = site.told(site.send(gone), "refused")
            assert refused.running.release == wish.version
    finally:
        server.shutdown()
        server.server_close()


def failing(model: str, offset: int) -> Reading:
    look = Look(model=model, model_version="", outcome="failed", reason="model-failed", objects=0)
    return Reading(
        kind="frame",
        camera="gate",
        offset=offset,
        epoch_at=1,
        seq=offset,
        at=offset,
        config_version=1,
        state="online",
        still=False,
        outcome="failed",
        reason="model-failed",
        width=1,
        height=1,
        source_width=1,
        source_height=1,
        model=model,
        model_version="",
        boxes=(),
        scores=(),
        labels=(),
        looks=(look,),
    )


def test_errors_bring_the_version_before_back(site: Site) -> None:
    first, second = site.weights(0.9), site.weights(0.8)
    with running(site.place):
        for path in (first, second):
            site.send_chunks(path)
        before = site.send(site.wish(first))
        site.told(before, "applied")
        wish = site.send(site.wish(second, watch_s=PATIENCE_S))
        site.told(wish, "applied")
        assert site.served == ("2",)

        def told() -> bool:
            readings = tuple(failing(site.model, offset) for offset in range(5))
            site.producer.send("detections", Detections(site=SITE, partition=0, readings=readings))
            site.producer.flush()
            return any(one.state == "rolled-back" for one in site.receipts())

        await_that(told)
        assert site.served == ("1",)
        back = site.told(wish, "rolled-back")
        assert back.running.release == before.version and "frames failed" in back.message


def test_a_withdrawn_update_gives_way(site: Site) -> None:
    first, second = site.weights(0.9), site.weights(0.8)
    with running(site.place):
        for path in (first, second):
            site.send_chunks(path)
            wish = site.send(site.wish(path))
            site.told(wish, "applied")
        gone = site.send(replace(wish, deleted=True, published_at=wish.published_at + 1))
        assert site.told(gone, "withdrawn").running.version == "1"
        assert site.served == ("1",)


def test_what_is_no_record_goes_to_the_dead_letters(site: Site) -> None:
    path = site.weights(0.9)
    with running(site.place):
        site.send_chunks(path)
        site.told(site.send(site.wish(path)), "applied")
        site.producer.send_raw(TOPIC, b"\x00nothing", key=site.model)
        site.producer.flush()
        await_that(lambda: bool(read_all(site.place.kafka, f"dlq.{TOPIC}")))
    with pytest.raises(Rejected):
        decode_as(Receipt, b"\x00nothing")


def test_a_model_put_in_by_hand_is_told(site: Site) -> None:
    version = repository.install(site.place.repository, site.model, site.weights(0.7), CARD)
    with running(site.place):
        await_that(lambda: bool(site.receipts()))
    (told,) = site.receipts()
    assert (told.state, told.release, told.running.version) == ("imported", "", version)
    assert told.running.sha256 == sha256(site.weights(0.7).read_bytes()).hexdigest()
