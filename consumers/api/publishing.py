"""Records into the cloud's Kafka."""

from __future__ import annotations

import asyncio

from confluent_kafka import KafkaError

from infra.runtime.kafka import RecordProducer
from schemas.errors import Retryable
from schemas.records import Record

ACKNOWLEDGED_WITHIN_S = 10.0
LOOK_EVERY_S = 0.002


class Publisher:
    """Writes records, each acknowledged before the call returns; calls do not wait for each other."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = RecordProducer(bootstrap, "sightline.api", linger_ms=0, tells_success=True)

    async def send(self, topic: str, record: Record, key: str) -> None:
        """Write one record and wait until the broker has it.

        Raises:
            Rejected: the record cannot be encoded.
            Retryable: Kafka did not acknowledge it; it may still arrive.
        """
        outcome: list[KafkaError | None] = []
        self._producer.send(topic, record, key=key, told=outcome.append)
        clock = asyncio.get_running_loop().time
        deadline_s = clock() + ACKNOWLEDGED_WITHIN_S
        while not outcome:
            if clock() > deadline_s:
                raise Retryable(f"{topic} did not take a record within {ACKNOWLEDGED_WITHIN_S:g} s")
            await asyncio.sleep(LOOK_EVERY_S)
            self._producer.poll()
        if outcome[0] is not None:
            raise Retryable(f"{topic} did not take a record: {outcome[0].str()}")
