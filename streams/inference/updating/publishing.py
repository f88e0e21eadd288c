"""The cloud's side of a live update: chunks and wishes out, receipts in."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from infra.runtime.following import TopicFollower
from infra.runtime.kafka import RecordProducer, read_all
from schemas.codec import decode, decode_as
from schemas.errors import Backpressure, Rejected
from schemas.records import ModelChunk, ModelUpdate, Receipt, Record
from streams.inference.updating.receipts import TOPIC as RECEIPTS
from streams.inference.updating.receipts import Told, told_by
from streams.inference.updating.releases import TOPIC, chunk_key, chunks_of, update_key
from streams.inference.updating.wishes import Wishes, step, wanted

CLIENT_ID = "sightline.models.publish"


class Topic:
    """What stands in ``down.global.models`` of the cloud, and writing to it.

    Raises:
        Retryable: Kafka does not answer.
    """

    def __init__(self, bootstrap: str) -> None:
        self._producer = RecordProducer(bootstrap, CLIENT_ID)
        self._updates: dict[str, tuple[int, ModelUpdate]] = {}
        self._chunks: dict[str, ModelChunk] = {}
        for message in read_all(bootstrap, TOPIC):
            if message.key is None or message.value is None:
                continue
            try:
                self._take(message.key, message.offset, decode(message.value))
            except Rejected:
                # Each site puts it into its dead letters.
                continue

    def wish_of(self, site: str, model: str) -> ModelUpdate | None:
        """Return what a site wants of a model as the topic stands; None: nothing."""
        state = Wishes(site)
        for key, (offset, update) in self._updates.items():
            state = step(state, key, offset, update)
        found = wanted(state).get(model)
        return None if found is None or found.deleted else found

    def own_wishes(self, model: str) -> dict[str | None, ModelUpdate]:
        """Return the wishes for a model that were published, by site; None: for all."""
        own = {
            site: update_key(model, site)
            for site in (None, *(s for _, one in self._updates.values() for s in one.sites))
        }
        found = {site: self._updates.get(key) for site, key in own.items()}
        return {site: one[1] for site, one in found.items() if one and not one[1].deleted}

    def send_weights(self, path: Path, digest: str) -> None:
        """Write a file of weights in chunks, those that do not stand there already.

        Raises:
            Rejected: it is too large for the topic.
            Retryable: Kafka did not acknowledge it.
        """
        for chunk in chunks_of(path, digest, _now_at()):
            key = chunk_key(digest, chunk.chunk)
            if key not in self._chunks:
                self._send(chunk, key)
                self._chunks[key] = replace(chunk, data=b"")
        self._producer.flush()

    def send(self, update: ModelUpdate, sites: Iterable[str | None]) -> dict[str, ModelUpdate]:
        """Write a wish for each of these sites (None: for all), and return them by site.

        Each is published later than any wish for this model before it, whatever the clock says.

        Raises:
            Retryable: Kafka did not acknowledge it.
        """
        earlier = [
            one.published_at for _, one in self._updates.values() if one.model == update.model
        ]
        at = max(_now_at(), *(before + 1 for before in earlier)) if earlier else _now_at()
        sent = {}
        for site in sites:
            record = replace(update, sites=() if site is None else (site,), published_at=at)
            key = update_key(update.model, site)
            self._send(record, key)
            self._updates[key] = (
                1 + max((o for o, _ in self._updates.values()), default=0),
                record,
            )
            if site is not None:
                sent[site] = record
        self._producer.flush()
        return sent

    def withdraw(self, update: ModelUpdate, site: str | None) -> None:
        """Take the wish for a site back (None: the one for all).

        Raises:
            Retryable: Kafka did not acknowledge it.
        """
        self.send(replace(update, deleted=True), [site])

    @property
    def models(self) -> set[str]:
        """The models that anybody wants or wanted."""
        return {one.model for _, one in self._updates.values()}

    def tidy(self) -> int:
        """Empty the chunks of weights that no wish names any more, and return how many.

        Raises:
            Retryable: Kafka did not acknowledge it.
        """
        named = {one.sha256 for _, one in self._updates.values() if not one.deleted}
        idle = {key: chunk for key, chunk in self._chunks.items() if chunk.sha256 not in named}
        for key, chunk in idle.items():
            self._send(replace(chunk, data=b"", published_at=_now_at(), deleted=True), key)
            del self._chunks[key]
        self._producer.flush()
        return len(idle)

    def _take(self, key: str, offset: int, record: Record) -> None:
        if isinstance(record, ModelUpdate):
            self._updates[key] = (offset, record)
        elif isinstance(record, ModelChunk) and record.deleted:
            self._chunks.pop(key, None)
        elif isinstance(record, ModelChunk):
            self._chunks[key] = replace(record, data=b"")

    def _send(self, record: Record, key: str) -> None:
        while True:
            try:
                self._producer.send(TOPIC, record, key=key)
                return
            except Backpressure:
                self._producer.flush()


class Receipts:
    """The last receipt of each model from each site, followed in the cloud.

    Raises:
        Retryable: Kafka does not answer.
        Fatal: the topic is not there.
    """

    def __init__(self, bootstrap: str) -> None:
        self._follower = TopicFollower(bootstrap, RECEIPTS, CLIENT_ID)
        self._told: dict[tuple[str, str], Told] = {}
        self.sites: set[str] = set()
        """Every site that ever left a receipt of any kind."""
        while not self._follower.caught_up:
            self.read()

    def read(self) -> None:
        """Take in what has come."""
        for message in self._follower.read(timeout_s=0.2):
            if message.value is None:
                continue
            try:
                receipt = decode_as(Receipt, message.value)
                self.sites.add(receipt.site)
                told = told_by(receipt)
            except Rejected:
                # Of a configuration, or whoever stores receipts puts it into the dead letters.
                continue
            known = self._told.get((told.site, told.model))
            if known is None or told.revision >= known.revision:
                self._told[told.site, told.model] = told

    def of(self, model: str) -> Mapping[str, Told]:
        """Return the last receipt of a model by site."""
        return {site: told for (site, name), told in self._told.items() if name == model}

    @property
    def models(self) -> list[str]:
        """The models of which there are receipts."""
        return sorted({model for _, model in self._told})

    def close(self) -> None:
        """Stop reading."""
        self._follower.close()


def _now_at() -> int:
    return time.time_ns() // 1_000_000
