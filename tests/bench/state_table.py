"""The least Faust agent that keeps its state in a Table: a write for each input.

Outputs go through the same producer as a stage's and are waited for before an input is
acknowledged. The Table's changelog is waited for only at the end, which is less than a stage does.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from faust.transport.drivers.aiokafka import Transport

from infra.runtime.kafka import RecordProducer
from schemas.codec import decode
from schemas.topics import PARTITIONS
from streams.apps.group import faust_app
from streams.apps.stage import BATCH
from tests.bench.state_logic import SOURCE, Counting, Held, Span


class TableStage:
    """One Faust app with one Table."""

    def __init__(self, logic: Counting, bootstrap: str, scratch: Path, span: Span) -> None:
        self._logic = logic
        self._span = span
        self._all_done = asyncio.Event()
        self._producer = RecordProducer(bootstrap, logic.name, linger_ms=0)
        self._states: dict[str, Held] = {}
        self._app = faust_app(logic, bootstrap, "bench", scratch)
        # A Table is read back from its changelog, which only Faust's own client does.
        self._app.transport = Transport(self._app.conf.broker_consumer, self._app)
        self._table = self._app.Table(
            "held", partitions=PARTITIONS, key_type=bytes, value_type=bytes
        )
        topic = self._app.topic(SOURCE, key_serializer="raw", value_serializer="raw", acks=True)
        self._app.agent(topic, name=logic.name, concurrency=1)(self._take)

    async def measure(self) -> None:
        """Process until all inputs are done."""
        await self._app.start()
        await self._all_done.wait()
        await self._app.producer.flush()
        self._span.end()
        await asyncio.wait_for(self._app.stop(), timeout=30)

    async def _take(self, stream: Any) -> None:
        waiting: list[Any] = []
        async for event in stream.noack().events():
            self._apply(event)
            waiting.append(event)
            if len(waiting) == BATCH:
                await asyncio.get_running_loop().run_in_executor(None, self._producer.flush)
                for done in waiting:
                    done.ack()
                waiting.clear()
                if self._span.add(BATCH):
                    self._all_done.set()

    def _apply(self, event: Any) -> None:
        message = event.message
        for unit in self._logic.units(decode(message.value), message.topic):
            state = self._states.get(unit.key) or self._logic.new_state(unit.site, unit.key)
            step = self._logic.step(state, unit, message.partition, None)
            self._states[unit.key] = step.state
            self._table[unit.key.encode()] = msgspec.msgpack.encode(step.state)
            for output in step.outputs:
                self._producer.send(output.topic, output.record, key=output.key)
