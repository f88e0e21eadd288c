"""The service updates: makes a site's Triton serve what ``down.global.models`` wants.

What is wanted is read from the topic, what runs from the repository, and what became of each wish
is written down between them; so a restart says the same and does nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from infra.runtime.kafka import RecordProducer
from infra.runtime.metrics import RECORDS_OUT
from infra.runtime.service import Service
from schemas.errors import Retryable
from schemas.records import ModelUpdate, Receipt
from streams.inference.client import TritonClient
from streams.inference.updating.figures import UPDATES
from streams.inference.updating.inbox import Inbox
from streams.inference.updating.ledger import Entry, Ledger
from streams.inference.updating.pictures import newest_pictures
from streams.inference.updating.receipts import TOPIC as RECEIPTS
from streams.inference.updating.receipts import receipt_of, waiting_receipt
from streams.inference.updating.source import Source
from streams.inference.updating.updater import Updater
from streams.inference.updating.waiting import Wait, interim, put_off, word_due
from streams.inference.updating.watcher import Watcher
from streams.inference.updating.weights import WeightStore

CLIENT_ID = "sightline.models"
FOLDER = ".updates"
"""In the model repository: what is on its way, and what became of each update."""
_INSPECT_EVERY_S = 10.0
_PAUSE_S = 1.0


class Models:
    """The loop; one object for each process."""

    def __init__(self, service: Service, producer: RecordProducer, inbox: Inbox) -> None:
        settings = service.settings
        self._log = service.log
        self._site = settings.need("site")
        bootstrap = settings.need("edge_kafka")
        folder = Path(settings.need("model_repository"))
        stopping = service.stopping.is_set
        self._producer = producer
        self._inbox = inbox
        store = WeightStore(folder / FOLDER / "weights")
        self._ledger = Ledger(folder / FOLDER)
        self._entries = self._ledger.read()
        self._waits: dict[str, Wait] = {}
        self._first = True
        self._inspected_s = float("-inf")
        self._client = TritonClient(settings.need("triton_grpc"))
        self._source = Source(store, self._inbox.pieces, self._inbox.read_at, stopping)
        self._updater = Updater(
            folder,
            self._client,
            self._source,
            lambda: newest_pictures(bootstrap),
            _now_at,
            stopping,
        )
        self._watcher = Watcher(bootstrap, self._updater.fault, time.monotonic, _now_at)
        service.checks["updates"] = self._problem

    def start(self) -> None:
        """Say again what was said before the last end, and go on watching."""
        for entry in self._entries.values():
            self._send(self._receipt(entry))
            self._watcher.follow(entry)

    def turn(self) -> None:
        """Take in what has come, and do what is due.

        Raises:
            Retryable: Kafka or Triton does not answer.
            Fatal: the Kafka client gave up.
        """
        came = self._inbox.read()
        if not self._inbox.caught_up:
            return
        unanswered = {update.model: update for update in self._unanswered()}
        waits = {
            model: replace(wait, next_s=0.0) if wait.update.sha256 in came else wait
            for model, wait in self._waits.items()
            if unanswered.get(model) == wait.update
        }
        if self._first or len(waits) < len(self._waits):
            self._forget_weights()
        self._waits, self._first = waits, False
        for model, update in unanswered.items():
            self._answer(update, self._entries.get(model))
        for model, why in self._watcher.turn().items():
            self._settle(self._updater.roll_back(self._entries[model], why))
        self._inspect()

    def close(self) -> None:
        """Stop everything; what is under way goes on at the next start."""
        self._source.close()
        self._watcher.close()
        self._inbox.close()
        self._client.close()

    def _answer(self, update: ModelUpdate, last: Entry | None) -> None:
        now_s = time.monotonic()
        wait = self._waits.get(update.model, Wait(update, now_s, now_s))
        if now_s < wait.next_s:
            return
        try:
            entry = self._updater.answer(update, last)
        except (Retryable, OSError) as error:
            # A full disk, for example, may have room again later.
            self._put_off(wait, str(error))
            return
        self._waits.pop(update.model, None)
        self._settle(entry)
        self._forget_weights()

    def _unanswered(self) -> list[ModelUpdate]:
        return [
            update
            for model, update in self._inbox.wanted.items()
            if model not in self._entries or not self._entries[model].answers(update)
        ]

    def _forget_weights(self) -> None:
        self._source.keep_only(update.sha256 for update in self._unanswered())

    def _put_off(self, wait: Wait, why: str) -> None:
        now_s = time.monotonic()
        if not wait.why:
            self._log.warning("a model update waits", model=wait.update.model, reason=why)
        wait = put_off(wait, why, now_s)
        if word_due(wait, now_s):
            running = self._updater.inventory.running(wait.update.model)
            self._send(waiting_receipt(self._site, interim(wait, _now_at()), running))
            wait = replace(wait, told=True)
        self._waits[wait.update.model] = wait

    def _settle(self, entry: Entry) -> None:
        self._ledger.write(entry)
        self._entries[entry.model] = entry
        self._watcher.follow(entry)
        UPDATES.labels(entry.model, entry.state).inc()
        self._send(self._receipt(entry))
        self._log.info(
            "model update",
            model=entry.model,
            state=entry.state,
            release=entry.release,
            version=entry.version,
            message=entry.message,
        )

    def _inspect(self) -> None:
        """Tell the cloud where somebody changed a model at the site."""
        now_s = time.monotonic()
        if now_s - self._inspected_s < _INSPECT_EVERY_S:
            return
        self._inspected_s = now_s
        for entry in list(self._entries.values()):
            overruled = self._updater.overruled(entry)
            if overruled is not None:
                self._settle(overruled)
        for model in self._updater.inventory.models:
            if model not in self._inbox.wanted:
                imported = self._updater.imported(model, self._entries.get(model))
                if imported is not None:
                    self._settle(imported)

    def _receipt(self, entry: Entry) -> Receipt:
        return receipt_of(self._site, entry, self._updater.inventory.running(entry.model))

    def _send(self, receipt: Receipt) -> None:
        self._producer.send(RECEIPTS, receipt, key=receipt.receipt_id)
        self._producer.flush()
        RECORDS_OUT.labels(RECEIPTS).inc()

    def _problem(self) -> str | None:
        told = [f"{model}: {wait.why}" for model, wait in self._waits.items() if wait.told]
        return "; ".join(told) or None


def run_models(service: Service) -> None:
    """Keep a site's models as they are wanted until the service is to stop.

    Raises:
        Fatal: a topic or a setting is missing, or the Kafka client gave up.
    """
    producer = RecordProducer(service.settings.need("edge_kafka"), CLIENT_ID)
    inbox = _opened(service, producer)
    if inbox is None:
        return
    models = Models(service, producer, inbox)
    try:
        _patiently(service, models.start)
        while not service.stopping.is_set():
            _patiently(service, models.turn)
    finally:
        models.close()


def _opened(service: Service, producer: RecordProducer) -> Inbox | None:
    settings = service.settings
    opened: list[Inbox] = []
    while not opened and not service.stopping.is_set():
        _patiently(
            service,
            lambda: opened.append(
                Inbox(settings.need("edge_kafka"), settings.need("site"), CLIENT_ID, producer)
            ),
        )
    return opened[0] if opened else None


def _patiently(service: Service, step: Callable[[], object]) -> None:
    try:
        step()
    except Retryable as error:
        service.log.warning("the models wait", error=str(error))
        service.stopping.wait(_PAUSE_S)


def _now_at() -> int:
    return time.time_ns() // 1_000_000
