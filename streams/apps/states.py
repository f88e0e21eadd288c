"""Where a stage keeps its state: a compacted topic, co-partitioned with its input.

Whoever takes a partition over writes a claim into it first; the claim's offset is its number. State
is stored under ``<key>@<claim>``, so that a worker that lost the partition without noticing can
neither overwrite what its successor stored nor have it compacted away (docs/adr/0013). The highest
claim wins, then the highest sequence, which counts the units applied.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from infra.runtime.kafka import RecordProducer, read_all
from schemas.codec import decode_as
from schemas.errors import Fatal, Rejected, Retryable
from schemas.records import State

FORMAT = 1
"""Layout of the body: msgpack of the stage's state class."""
MAX_BODY_BYTES = 7 << 20
"""Below the segment of a state topic, which bounds its records."""
CLAIM_KEY = "/claim"
"""No camera and no site is called so."""


@dataclass(slots=True)
class KeyState:
    """The state of one key and how many units it has applied."""

    value: Any
    sequence: int = 0
    dirty: bool = False
    at: int | None = None
    """Event time of the last unit applied, UTC ms."""
    source: str | None = None
    """Topic of the last unit that this worker applied."""
    older: tuple[str, ...] = ()
    """Message keys of earlier claims, to be deleted once there is a record under this one."""


@dataclass(frozen=True, slots=True)
class Storable:
    """A key's state as it was at one moment."""

    partition: int
    record: State
    older: tuple[str, ...]
    """Message keys of earlier claims, to be deleted behind it."""


class StateStore:
    """The states of the partitions this worker holds, read back when a partition is first met."""

    def __init__(self, stage: str, state_type: type, bootstrap: str) -> None:
        self._stage = stage
        self._topic = f"state.{stage}"
        self._bootstrap = bootstrap
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(state_type)
        self._partitions: dict[int, dict[str, KeyState]] = {}
        self._claims: dict[int, int] = {}
        self._claimer: RecordProducer | None = None

    def holds(self, partition: int) -> bool:
        """Tell whether this partition's states are in memory."""
        return partition in self._partitions

    def partitions(self) -> tuple[int, ...]:
        """Return the partitions whose states are in memory."""
        return tuple(self._partitions)

    def of(self, partition: int) -> Mapping[str, KeyState]:
        """Return a partition's states by key."""
        return self._partitions[partition]

    def load(self, partition: int, stored_at: int) -> None:
        """Claim a partition and read its states to their present end.

        Raises:
            Retryable: Kafka does not answer.
            Fatal: a state was written by a newer layout.
        """
        mark = uuid.uuid4().bytes
        self._write_claim(partition, mark, stored_at)
        claim: int | None = None
        stored: dict[str, dict[str, State]] = {}
        for message in read_all(self._bootstrap, self._topic, [partition]):
            if message.value is None:
                for records in stored.values():
                    records.pop(message.key or "", None)
                continue
            state = self._read(partition, message.offset, message.value)
            if state.key == CLAIM_KEY:
                claim = message.offset if state.body == mark else claim
            else:
                stored.setdefault(state.key, {})[message.key or ""] = state
        if claim is None:
            raise Retryable(f"the claim to {self._topic}[{partition}] cannot be read back")
        self._claims[partition] = claim
        self._partitions[partition] = {
            key: self._restored(earlier)
            for key, records in stored.items()
            # Above our own claim it is another's by now, who will notice us as little as we him.
            if (earlier := {m: state for m, state in records.items() if state.claim < claim})
        }

    def forget(self) -> None:
        """Drop everything: the partitions may be another worker's now."""
        self._partitions.clear()
        self._claims.clear()

    def get(self, partition: int, key: str) -> KeyState | None:
        """Return a key's state, or None if it was never met."""
        return self._partitions[partition].get(key)

    def put(self, partition: int, key: str, state: KeyState) -> None:
        """Keep a key's state in memory."""
        self._partitions[partition][key] = state

    def packed(self, state: KeyState) -> bytes:
        """Return a copy of a state's value, for :meth:`unpacked`."""
        return msgspec.msgpack.encode(state.value)

    def unpacked(self, body: bytes) -> Any:
        """Return the value that was packed."""
        return self._decoder.decode(body)

    def take_dirty(self, partitions: Iterable[int], stored_at: int) -> list[Storable]:
        """Return what is to be stored of the states of these partitions, held here, that changed.

        Raises:
            Fatal: a state is larger than its topic takes, which its bounds should prevent.
        """
        return [
            self._storable(partition, key, state, stored_at)
            for partition in partitions
            for key, state in self.of(partition).items()
            if state.dirty
        ]

    def write(self, producer: RecordProducer, storable: Storable) -> None:
        """Queue what was taken; the caller keeps the order, and flushes.

        Raises:
            Backpressure: the producer's queue is full; written once more it does no harm.
        """
        record, partition = storable.record, storable.partition
        key = f"{record.key}@{record.claim}"
        producer.send(self._topic, record, key=key, partition=partition)
        # One producer keeps its order: the older ones go only after the newer one stands.
        for message_key in storable.older:
            producer.send_raw(self._topic, None, key=message_key, partition=partition)

    def _storable(self, partition: int, key: str, state: KeyState, stored_at: int) -> Storable:
        body = self.packed(state)
        if len(body) > MAX_BODY_BYTES:
            raise Fatal(
                f"{self._stage}'s state of {key} has grown to {len(body)} bytes, more than "
                f"{MAX_BODY_BYTES}: please report it with the site's configuration"
            )
        record = State(
            stage=self._stage,
            key=key,
            sequence=state.sequence,
            format=FORMAT,
            stored_at=stored_at,
            body=body,
            claim=self._claims[partition],
            at=state.at,
        )
        older, state.older = state.older, ()
        state.dirty = False
        return Storable(partition, record, older)

    def _write_claim(self, partition: int, mark: bytes, stored_at: int) -> None:
        # Not the stage's producer: waiting here must not swallow the failure of an output.
        if self._claimer is None:
            self._claimer = RecordProducer(
                self._bootstrap, f"sightline.{self._stage}.claims", linger_ms=0
            )
        record = State(
            stage=self._stage,
            key=CLAIM_KEY,
            sequence=0,
            format=FORMAT,
            stored_at=stored_at,
            body=mark,
        )
        self._claimer.send(self._topic, record, key=CLAIM_KEY, partition=partition)
        self._claimer.flush()

    def _read(self, partition: int, offset: int, value: bytes) -> State:
        try:
            return decode_as(State, value)
        except Rejected as error:
            raise Fatal(
                f"{self._topic}[{partition}]@{offset} is damaged ({error}): restore it "
                "from checkpoints, or delete the record to start that key afresh"
            ) from error

    def _restored(self, records: Mapping[str, State]) -> KeyState:
        newest = max(records.values(), key=lambda state: (state.claim, state.sequence))
        if newest.format > FORMAT:
            raise Fatal(
                f"the state of {newest.key} in {self._topic} has layout {newest.format}, this version "
                f"knows {FORMAT}: run the newer version"
            )
        return KeyState(
            value=self.unpacked(newest.body),
            sequence=newest.sequence,
            at=newest.at,
            older=tuple(records),
        )
