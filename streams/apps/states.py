"""Where a stage keeps its state: a compacted topic, co-partitioned with its input.

One record per key, the highest sequence wins. The sequence counts the units applied, so two
workers that applied the same inputs write the same sequence with the same body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from infra.runtime.kafka import RecordProducer, read_all
from schemas.codec import decode_as
from schemas.errors import Fatal, Rejected
from schemas.records import State

FORMAT = 1
"""Layout of the body: msgpack of the stage's state class."""
MAX_BODY_BYTES = 7 << 20
"""Below the segment of a state topic, which bounds its records."""


@dataclass(slots=True)
class KeyState:
    """The state of one key and how many units it has applied."""

    value: Any
    sequence: int = 0
    dirty: bool = False


class StateStore:
    """The states of the partitions this worker holds, read back when a partition is first met."""

    def __init__(self, stage: str, state_type: type, bootstrap: str) -> None:
        self._stage = stage
        self._topic = f"state.{stage}"
        self._bootstrap = bootstrap
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(state_type)
        self._partitions: dict[int, dict[str, KeyState]] = {}

    def holds(self, partition: int) -> bool:
        """Tell whether this partition's states are in memory."""
        return partition in self._partitions

    def load(self, partition: int) -> None:
        """Read a partition's states to their present end.

        Raises:
            Retryable: Kafka does not answer.
            Fatal: a state was written by a newer layout.
        """
        newest: dict[str, State] = {}
        for message in read_all(self._bootstrap, self._topic, [partition]):
            if message.value is None:
                continue
            try:
                state = decode_as(State, message.value)
            except Rejected as error:
                raise Fatal(
                    f"{self._topic}[{partition}]@{message.offset} is damaged ({error}): restore it "
                    "from checkpoints, or delete the record to start that key afresh"
                ) from error
            kept = newest.get(state.key)
            if kept is None or state.sequence >= kept.sequence:
                newest[state.key] = state
        self._partitions[partition] = {key: self._restored(state) for key, state in newest.items()}

    def forget(self) -> None:
        """Drop everything: the partitions may be another worker's now."""
        self._partitions.clear()

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

    def write_dirty(self, producer: RecordProducer, stored_at: int) -> None:
        """Queue a record for every state that changed; the caller flushes.

        Raises:
            Fatal: a state is larger than its topic takes, which its bounds should prevent.
        """
        for partition, states in self._partitions.items():
            for key, state in states.items():
                if not state.dirty:
                    continue
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
                )
                producer.send(self._topic, record, key=key, partition=partition)
                state.dirty = False

    def _restored(self, state: State) -> KeyState:
        if state.format > FORMAT:
            raise Fatal(
                f"the state of {state.key} in {self._topic} has layout {state.format}, this version "
                f"knows {FORMAT}: run the newer version"
            )
        return KeyState(value=self.unpacked(state.body), sequence=state.sequence)
