"""What a site's Kafka still keeps for a second look: detections, checkpoints, configurations."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from infra.cli.cuts import Copies, Copy, Cut
from infra.cli.flow import CANDIDATES
from infra.cli.remarks import Placed, Remarks, place
from infra.runtime.kafka import Message
from infra.runtime.reading import first_offset, offset_at, read_on
from producers.tails import partition_of
from schemas.codec import decode
from schemas.errors import Fatal, Rejected
from schemas.records import Checkpoint
from schemas.site import SiteConfig
from schemas.topics import PARTITIONS, STAGES
from streams.apps.logic import Unit
from streams.apps.stages import all_stages
from streams.apps.states import FORMAT

SOURCE = "detections"
NEAR_MS = 3_600_000
COPIES_LIMIT = 24
"""So many checkpoints of a key before the time asked for are looked at; stages lag by one or two."""


@dataclass(frozen=True, slots=True)
class Given:
    """One reading of one camera, and where it stands in ``detections``."""

    unit: Unit
    partition: int
    offset: int


class Retained:
    """Reads one site's topics; what cannot be decoded is passed over, as live."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._stages = all_stages()

    def copies(self, keys: Sequence[str], before: int, *, near: bool = False) -> Copies:
        """Return the last checkpoints of these keys that had not reached ``before``, UTC ms.

        ``near``: only those written around that time, where live cameras have theirs; a week of a
        large site's is read in minutes.

        Raises:
            Retryable: Kafka does not answer.
            Fatal: a checkpoint was written by a newer layout.
        """
        found: dict[tuple[str, str], deque[Copy]] = {}
        wanted = frozenset(keys)
        partitions = sorted({_partition(key) for key in keys})
        for stage in STAGES:
            decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(
                self._stages[stage].state_type
            )
            for partition in partitions:
                for message in self._written(f"checkpoints.{stage}", partition, before, near):
                    copy = _copy(message, wanted, before, decoder)
                    if copy is not None:
                        kept = found.setdefault((stage, copy[0]), deque(maxlen=COPIES_LIMIT))
                        kept.append(copy[1])
        return found

    def _written(self, topic: str, partition: int, at: int, near: bool) -> Iterator[Message]:
        start = offset_at(self._bootstrap, topic, partition, at - NEAR_MS) if near else 0
        for message in read_on(self._bootstrap, topic, partition, start):
            if near and message.arrived_at > at + NEAR_MS:
                return
            yield message

    def remarks(self, keys: Sequence[str], cut: Cut, numbered: Collection[str]) -> Remarks:
        """Return what operators said that the cut's filters have not heard.

        ``numbered`` are the keys whose matches will have the numbers that they had live.

        Raises:
            Retryable: Kafka does not answer.
        """
        placed: dict[str, list[Placed]] = {}
        for partition in sorted({_partition(key) for key in keys}):
            own = [key for key in keys if _partition(key) == partition]
            heard = {
                key: (cut.heard[key], state.applied, state.at)
                for key in own
                if (state := cut.states.get(("filter", key))) is not None
            }
            start = min((heard[key][0] + 1 if key in heard else 0) for key in own)
            messages = read_on(self._bootstrap, CANDIDATES, partition, start)
            placed |= place(messages, own, heard)
        return Remarks(placed, numbered)

    def without_beginning(self, cameras: Sequence[str], cut: Cut) -> list[str]:
        """Return the cameras that begin without a state although older detections are gone."""
        gone = {
            partition
            for partition in {_partition(camera) for camera in cameras}
            if first_offset(self._bootstrap, SOURCE, partition) > 0
        }
        return [
            camera
            for camera in cameras
            if camera not in cut.positions and _partition(camera) in gone
        ]

    def readings(self, cameras: Sequence[str], cut: Cut, until: int) -> Iterator[Given]:
        """Yield the readings after the cut, the cameras merged by time.

        Each camera's go on to its first beat at or after ``until``, UTC ms, so that every timer
        before it has fired, or to the end of what there is.
        """
        by_partition: dict[int, list[str]] = {}
        for camera in cameras:
            by_partition.setdefault(_partition(camera), []).append(camera)
        streams = [
            self._readings(partition, found, cut.positions, until)
            for partition, found in sorted(by_partition.items())
        ]
        return heapq.merge(*streams, key=lambda given: given.unit.at)

    def _readings(
        self, partition: int, cameras: Sequence[str], positions: Mapping[str, int], until: int
    ) -> Iterator[Given]:
        waiting = set(cameras)
        start = min(positions.get(camera, -1) for camera in cameras) + 1
        for message in read_on(self._bootstrap, SOURCE, partition, start):
            for unit in self._units(message):
                if unit.key not in waiting or message.offset <= positions.get(unit.key, -1):
                    continue
                yield Given(unit, partition, message.offset)
                if unit.body.kind == "beat" and unit.at >= until:
                    waiting.discard(unit.key)
            if not waiting:
                return

    def _units(self, message: Message) -> Sequence[Unit]:
        try:
            return self._stages["sense"].units(decode(message.value), SOURCE)
        except Rejected:
            return ()


def keys_of(config: SiteConfig, cameras: Sequence[str]) -> dict[str, list[str]]:
    """Return the keys that each camera's triggers go to: its own, and the site's where needed."""
    wide = config.site_wide_cameras()
    return {
        camera: [camera, *([f"site/{config.site}"] if camera in wide else [])] for camera in cameras
    }


def together(config: SiteConfig, cameras: Sequence[str]) -> list[str]:
    """Return these cameras and those that a rule looks at together with one of them.

    Raises:
        Rejected: there is no such camera.
    """
    for camera in cameras:
        if camera not in config.cameras:
            known = ", ".join(sorted(config.cameras)) or "none"
            raise Rejected(f"site {config.site} has no camera {camera}: it has {known}")
    chosen = set(cameras or config.cameras)
    wide = config.site_wide_cameras()
    return sorted(chosen | wide if chosen & wide else chosen)


def _partition(key: str) -> int:
    return partition_of(key.encode(), PARTITIONS)


def _copy(
    message: Message, wanted: frozenset[str], before: int, decoder: msgspec.msgpack.Decoder[Any]
) -> tuple[str, Copy] | None:
    try:
        record = decode(message.value)
    except Rejected:
        return None
    if not isinstance(record, Checkpoint) or record.key not in wanted:
        return None
    if record.at is None or record.at >= before:
        return None
    if record.format > FORMAT:
        raise Fatal(
            f"the checkpoint of {record.key} at {message.topic}[{message.partition}]@"
            f"{message.offset} has layout {record.format}, this version knows {FORMAT}: run the "
            "newer version"
        )
    restore = partial(decoder.decode, record.body)
    return record.key, Copy(record.at, record.offset, record.sequence, restore)
