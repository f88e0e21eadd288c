"""The cloud's side of a live update of models: weights and wishes out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from infra.runtime.following import TopicFollower
from infra.runtime.kafka import Message, RecordProducer
from schemas.codec import decode
from schemas.errors import Backpressure, Rejected, Retryable
from schemas.records import ModelChunk, ModelUpdate, Record
from schemas.releases import TOPIC, chunk_key, chunks_of, update_key
from schemas.wishes import Wishes, step, wanted

CLIENT_ID = "sightline.models.publish"
IDLE_MS = 3_600_000
ANSWERS_WITHIN_S = 10.0
_QUEUED_KIB = 4096
_READ_AT_ONCE = 16


class ModelsTopic:
    """What stands in ``down.global.models`` of the cloud, and writing to it.

    Not for use by two threads at once.
    """

    def __init__(self, bootstrap: str) -> None:
        """Read all of it; see :meth:`refresh`.

        Raises:
            Retryable: Kafka does not answer.
        """
        self._producer = RecordProducer(bootstrap, CLIENT_ID)
        self._updates: dict[str, tuple[int, ModelUpdate]] = {}
        self._chunks: dict[str, ModelChunk] = {}
        """By key, with the checksum of their data in its place."""
        self._follower = TopicFollower(bootstrap, TOPIC, CLIENT_ID, queued_kib=_QUEUED_KIB)
        while not self._follower.caught_up:
            self._read()

    def refresh(self) -> None:
        """Take in what has come since.

        Raises:
            Retryable: Kafka does not answer.
        """
        while (waiting := self._follower.lag(ANSWERS_WITHIN_S)) != 0:
            if waiting is None:
                raise Retryable(f"Kafka does not say where {TOPIC} ends")
            self._read()

    def close(self) -> None:
        """Stop reading."""
        self._follower.close()

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
            known = self._chunks.get(key)
            if known is None or known.data != _checked(chunk).data:
                self._send(chunk, key)
                self._chunks[key] = _checked(chunk)
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
    def published(self) -> Mapping[str, ModelUpdate]:
        """Every wish that was published, by key; those that were withdrawn are ``deleted``."""
        return {key: one for key, (_, one) in self._updates.items()}

    def holds(self, weights_sha256: str, chunks: int) -> bool:
        """Tell whether all chunks of a file of weights stand in the topic."""
        return all(chunk_key(weights_sha256, number) in self._chunks for number in range(chunks))

    @property
    def models(self) -> set[str]:
        """The models that anybody wants or wanted."""
        return {one.model for _, one in self._updates.values()}

    def tidy(self) -> int:
        """Empty the chunks of weights that no wish names any more, and return how many.

        Recent ones stay: somebody may be about to publish the wish that names them.

        Raises:
            Retryable: Kafka did not acknowledge it.
        """
        named = {one.sha256 for _, one in self._updates.values() if not one.deleted}
        recent_at = _now_at() - IDLE_MS
        idle = {
            key: chunk
            for key, chunk in self._chunks.items()
            if chunk.sha256 not in named and chunk.published_at < recent_at
        }
        for key, chunk in idle.items():
            self._send(replace(chunk, data=b"", published_at=_now_at(), deleted=True), key)
            del self._chunks[key]
        self._producer.flush()
        return len(idle)

    def _read(self) -> None:
        for message in self._follower.read(limit=_READ_AT_ONCE, timeout_s=0.2):
            self._hear(message)

    def _hear(self, message: Message) -> None:
        if message.key is None or message.value is None:
            return
        try:
            self._take(message.key, message.offset, decode(message.value))
        except Rejected:
            # Each site puts it into its dead letters.
            return

    def _take(self, key: str, offset: int, record: Record) -> None:
        if isinstance(record, ModelUpdate):
            self._updates[key] = (offset, record)
        elif isinstance(record, ModelChunk) and record.deleted:
            self._chunks.pop(key, None)
        elif isinstance(record, ModelChunk):
            self._chunks[key] = _checked(record)

    def _send(self, record: Record, key: str) -> None:
        while True:
            try:
                self._producer.send(TOPIC, record, key=key)
                return
            except Backpressure:
                self._producer.flush()


def _checked(chunk: ModelChunk) -> ModelChunk:
    return replace(chunk, data=sha256(chunk.data).digest())


def _now_at() -> int:
    return time.time_ns() // 1_000_000
