"""Reading ``frames``: the records of a turn, each frame with what it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from infra.runtime.kafka import Message, RecordConsumer, read_at
from infra.runtime.metrics import RECORDS_IN
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.records import Beat, Frame
from streams.inference import histories
from streams.inference.histories import Histories
from streams.inference.turns import Entry, Turn

SOURCE = "frames"
READ_AT_ONCE = 64
"""Records of one turn; as many as keep the models busy without holding the first ones back."""
READ_WHEN_OVERLOADED = 20_000
"""In overload all that waits is read, so that the newest frame of a camera is indeed that."""
READ_BYTES = 128 << 20
_READ_TIMEOUT_S = 0.5
_READ_ON_TIMEOUT_S, _READ_FOR_S = 0.05, 1.0


class Intake:
    """Reads turns, and keeps each partition's backgrounds as far as it has been read.

    Args:
        bootstrap: where the frames are.
        consumer: of the frames, in the group of detect.
        now_s: a clock that never goes back, seconds.
        log: where takeovers are told.
    """

    def __init__(
        self, bootstrap: str, consumer: RecordConsumer, now_s: Callable[[], float], log: Any
    ) -> None:
        self._bootstrap = bootstrap
        self._consumer = consumer
        self._now_s = now_s
        self._log = log
        self._histories: dict[int, Histories] = {}
        self._next_offsets: dict[int, int] = {}

    def read(self, turn: Turn, *, overloaded: bool) -> None:
        """Read what waits into a new turn, which holds what was read also where this raises.

        Raises:
            Retryable: the broker does not answer.
            Fatal: the client gave up.
        """
        timeout_s, kept, size = _READ_TIMEOUT_S, 0, 0
        limit = READ_WHEN_OVERLOADED if overloaded else READ_AT_ONCE
        until_s = self._now_s() + (_READ_FOR_S if overloaded else 0.0)
        # What must be kept is no reason to read on: nothing of it can be left out.
        while len(turn.messages) < limit and kept < READ_AT_ONCE and size < READ_BYTES:
            messages = self._consumer.read(READ_AT_ONCE, timeout_s)
            if not messages and not overloaded:
                break
            turn.began_s = turn.began_s if turn.messages else self._now_s()
            turn.messages += messages
            RECORDS_IN.labels(SOURCE).inc(len(messages))
            for message in messages:
                kept += self._take(turn, message)
                size += len(message.value or b"")
            if overloaded and (self._now_s() >= until_s or self._consumer.lag() < READ_AT_ONCE):
                break
            timeout_s = _READ_ON_TIMEOUT_S if overloaded else 0.0
        self._histories.update(turn.after)

    def back_to(self, messages: Sequence[Message]) -> None:
        """Read from the first of these messages on again, with the state from before it."""
        first: dict[int, Message] = {}
        for message in messages:
            first.setdefault(message.partition, message)
        assigned = self._consumer.assigned()
        for partition, message in first.items():
            self._next_offsets.pop(partition, None)
            if (SOURCE, partition) in assigned:
                self._consumer.seek(message)

    def _take(self, turn: Turn, message: Message) -> bool:
        """Put a message into a turn; tell whether it is a frame that must be kept."""
        partition = message.partition
        if partition not in turn.after:
            turn.after[partition] = self._histories_at(message)
        self._next_offsets[partition] = message.offset + 1
        try:
            record = decode(message.value)
            if not isinstance(record, Frame | Beat):
                raise Rejected(
                    f"a {type(record).__name__} stands in {SOURCE}", reason="unexpected-record"
                )
        except Rejected as error:
            turn.refused.append((message, error))
            return False
        turn.after[partition], before = histories.step(
            turn.after[partition], record, message.offset
        )
        turn.entries.append(Entry(message, record, before))
        return isinstance(record, Frame) and record.keep

    def _histories_at(self, message: Message) -> Histories:
        """Return the backgrounds as they were before a message, made again where needed."""
        partition = message.partition
        if self._next_offsets.get(partition) == message.offset:
            return self._histories[partition]
        offsets = histories.offsets_in(self._consumer.note(SOURCE, partition))
        earlier = [offset for offset in offsets if offset < message.offset]
        found = read_at(self._bootstrap, SOURCE, partition, earlier) if earlier else []
        self._log.info(
            "took over a partition", partition=partition, thumbnails=len(found), of=len(earlier)
        )
        return histories.restored((one.offset, one.value) for one in found)
