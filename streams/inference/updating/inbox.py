"""What stands in ``down.global.models``: read from the beginning at each start, and then on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog

from infra.runtime.following import TopicFollower
from infra.runtime.kafka import Message, RecordProducer, read_at, send_to_dead_letters
from infra.runtime.metrics import DEAD_LETTERS, RECORDS_IN
from schemas import wishes
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.records import ModelChunk, ModelUpdate
from schemas.releases import TOPIC
from streams.inference.updating.pieces import Pieces

_QUEUED_KIB = 4096
_READ_AT_ONCE = 16


class Inbox:
    """What a site wants, and where the chunks of weights stand.

    Raises:
        Retryable: Kafka does not answer.
        Fatal: the topic is not there.
    """

    def __init__(self, bootstrap: str, site: str, name: str, producer: RecordProducer) -> None:
        self._bootstrap = bootstrap
        self._producer = producer
        self._wishes = wishes.Wishes(site)
        self._follower = TopicFollower(bootstrap, TOPIC, name, queued_kib=_QUEUED_KIB)
        self._log = structlog.get_logger("models")
        self.pieces = Pieces()

    @property
    def caught_up(self) -> bool:
        """Whether what stood in the topic at the start was read; before, a wish may be an old one."""
        return self._follower.caught_up

    @property
    def wanted(self) -> Mapping[str, ModelUpdate]:
        """What the site wants of each model; a deleted update: nothing any more."""
        return wishes.wanted(self._wishes)

    def read(self) -> set[str]:
        """Take in what has come, and return the checksums of the weights that chunks came of.

        Raises:
            Fatal: the Kafka client gave up.
        """
        came = set()
        for message in self._follower.read(limit=_READ_AT_ONCE, timeout_s=0.2):
            RECORDS_IN.labels(TOPIC).inc()
            try:
                record = self._take(message)
            except Rejected as error:
                self._refuse(message, error)
                continue
            if isinstance(record, ModelChunk):
                came.add(record.sha256)
        return came

    def read_at(self, offsets: Iterable[int]) -> list[Message]:
        """Read single messages again."""
        return read_at(self._bootstrap, TOPIC, 0, offsets)

    def close(self) -> None:
        """Stop reading."""
        self._follower.close()

    def _take(self, message: Message) -> object:
        if message.value is None:
            return None
        record = decode(message.value)
        if isinstance(record, ModelChunk):
            self.pieces.hear(record, message.offset)
        elif isinstance(record, ModelUpdate) and message.key is not None:
            self._wishes = wishes.step(self._wishes, message.key, message.offset, record)
        else:
            raise Rejected(
                f"a {type(record).__name__} under the key {message.key} stands in {TOPIC}",
                reason="unexpected-record",
            )
        return record

    def _refuse(self, message: Message, error: Rejected) -> None:
        DEAD_LETTERS.labels(TOPIC, error.reason).inc()
        self._log.warning("refused a record", error=str(error), reason=error.reason)
        # What stood in the topic at the start was told before.
        if self.caught_up:
            send_to_dead_letters(self._producer, message, error)
            self._producer.flush()
