"""Runs one stage's logic under Faust without losing or doubling anything.

The order that makes it safe (architecture §4.1): apply inputs, write their outputs and wait for
the broker, then store the states that cover them and wait, then acknowledge. States are stored
at most about once a second, so a restart repeats that second from exactly the stored state and
emits the same ids again; the next stage drops the repeats by their ``n``. A share of the partitions
has its turn at a time, and while it waits for the broker other inputs are applied.

A worker that stood still for longer than its session has lost its partitions, and may not know it
yet: it says nothing more and starts anew (docs/adr/0013).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import structlog

from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import Message, RecordProducer, send_to_dead_letters
from infra.runtime.metrics import DEAD_LETTERS, DELAY, DROPPED, RECORDS_IN, RECORDS_OUT
from schemas.codec import decode
from schemas.errors import Backpressure, Rejected, Retryable, SightlineError
from schemas.records import Record
from streams.apps.caution import Caution
from streams.apps.checkpoints import CheckpointTimes, checkpoints_of
from streams.apps.delivery import take_all
from streams.apps.group import SESSION_S, faust_app
from streams.apps.logic import StageLogic, Step, Unit
from streams.apps.states import KeyState, StateStore, Storable

BATCH = 200
"""Inputs applied between two looks at the clock and at who wants this stage to stop."""
STORE_EVERY_S = 1.0
"""Each partition's states, where they changed."""
SHARES = 4
"""Of the partitions, stored one after the other: a stage with many cameras never stands still."""
_STORING_S = 0.1
"""So long inputs are applied while states are stored; under a backlog the broker would not catch up."""
CONFIG_WAIT_S = 20.0
_TICK_S = 0.5
_TURN_S = 0.005
"""So long a stage works before others have their turn."""
_LINGER_MS = 5.0
"""So long an output waits for others, to leave in one request with them."""
_INBOX = 2
"""Batches."""
_RETRY_S = 1.0
_VERSIONS = 8
"""Of the configuration, for which plans are kept; what comes late carries an older one."""
_NO_PLANS: Mapping[str, Any] = {}

_Batch = tuple[int, Sequence[Any]]
"""The assignment in which events were taken, and the events."""


class _ReassignedError(Exception):
    """The partitions were taken away meanwhile: what is in hand comes again, from their state."""


class Stage:
    """One Faust app around one stage's logic."""

    def __init__(
        self,
        logic: StageLogic,
        bootstrap: str,
        worker: str,
        configs: ConfigStore,
        scratch: Path,
        checkpoint_every_s: float | None = None,
    ) -> None:
        self.logic = logic
        self.app = faust_app(logic, bootstrap, worker, scratch)
        self._log = structlog.get_logger(logic.name)
        self._configs = configs
        self._producer = RecordProducer(bootstrap, f"sightline.{logic.name}", linger_ms=_LINGER_MS)
        self._states = StateStore(logic.name, logic.state_type, bootstrap)
        self._caution = Caution(scratch / f"{logic.name}-caution.json")
        self._plans: dict[int, dict[str, Any]] = {}
        self._inbox: asyncio.Queue[_Batch] = asyncio.Queue(_INBOX)
        self._unacknowledged: list[list[Any]] = [[] for _ in range(SHARES)]
        self._assignment = 0
        self._turn = 0
        self._turned_at = 0.0
        self._storing: asyncio.Task[None] | None = None
        self._ticked_at = _steady_s()
        self._positions: dict[tuple[str, int], int] = {}
        self._records_in, self._records_out = cache(RECORDS_IN.labels), cache(RECORDS_OUT.labels)
        self._delay = DELAY.labels(logic.name)
        self._checkpoints = (
            CheckpointTimes(logic.name, checkpoint_every_s) if checkpoint_every_s else None
        )
        topic = self.app.topic(*logic.sources, acks=True)
        self.app.agent(topic, name=logic.name, concurrency=1)(self._take)
        self.app.on_partitions_revoked.connect(self._revoked)

    async def run(self, stopping: asyncio.Event) -> None:
        """Process until ``stopping`` is set; then store and acknowledge what was done.

        Raises:
            Fatal: a state or the client is beyond repair.
            Retryable: outputs could not be delivered; the process must start anew.
        """
        await self.app.start()
        stopped = asyncio.ensure_future(stopping.wait())
        self._ticked_at = _steady_s()
        ticking = asyncio.ensure_future(self._tick())
        try:
            while not stopping.is_set():
                if self.app.should_stop:
                    raise Retryable(f"Faust gave up {self.logic.name}: see its log")
                self._check_lease()
                batch = await self._next_batch(stopped)
                if batch is not None:
                    await self._apply(*batch)
                await self._store_in_turn()
            await self._finish_storing()
            for share in range(SHARES):
                self._begin_storing(share)
                await self._finish_storing()
        finally:
            stopped.cancel()
            ticking.cancel()
            if self._storing is not None:
                self._storing.cancel()
            await asyncio.wait_for(self.app.stop(), timeout=15)

    async def _tick(self) -> None:
        # Once it has run out it stays so, whoever looks first.
        while _steady_s() - self._ticked_at <= SESSION_S:
            self._ticked_at = _steady_s()
            await asyncio.sleep(_TICK_S)

    def _check_lease(self) -> None:
        still_s = _steady_s() - self._ticked_at
        if still_s > SESSION_S:
            raise Retryable(
                f"{self.logic.name} stood still for {still_s:.0f} s, longer than its session of "
                f"{SESSION_S:g} s: its partitions may be another worker's; started again, it goes on"
            )

    async def _take(self, stream: Any) -> None:
        while True:
            events = await take_all(stream, BATCH)
            await self._inbox.put((self._assignment, events))

    async def _revoked(self, *_: Any, **__: Any) -> None:
        # What was applied but not stored is read and applied again from the stored state.
        self._assignment += 1
        self._unacknowledged = [[] for _ in range(SHARES)]
        self._states.forget()
        self._positions.clear()
        if self._checkpoints is not None:
            self._checkpoints.forget()

    async def _next_batch(self, stopped: asyncio.Future[Any]) -> _Batch | None:
        """Wait for inputs, up to the next turn of storing."""
        batch = asyncio.ensure_future(self._inbox.get())
        await asyncio.wait(
            {batch, stopped}, timeout=STORE_EVERY_S / SHARES, return_when=asyncio.FIRST_COMPLETED
        )
        if batch.done():
            return batch.result()
        batch.cancel()
        return None

    async def _apply(self, assignment: int, events: Sequence[Any]) -> None:
        done: list[Any] = []
        turn_until = time.monotonic() + _TURN_S
        for event in events:
            if assignment != self._assignment:
                return
            message: Message = event.value
            try:
                await self._apply_message(message)
            except _ReassignedError:
                return
            done.append(event)
            self._positions[message.topic, message.partition] = message.offset
            # Under a backlog a batch takes seconds: the group's heartbeats must go on.
            if time.monotonic() >= turn_until:
                await asyncio.sleep(0)
                turn_until = time.monotonic() + _TURN_S
        self._producer.poll()
        if assignment == self._assignment:
            for event in done:
                self._unacknowledged[event.value.partition % SHARES].append(event)

    async def _apply_message(self, message: Message) -> None:
        self._records_in(message.topic).inc()
        refusal: Rejected | None = None
        try:
            units = self.logic.units(decode(message.value), message.topic)
        except Rejected as error:
            units, refusal = (), error
        for unit in units:
            try:
                await self._apply_unit(unit, message)
            except Rejected as error:
                # The others in the message may be other cameras'.
                refusal = refusal or error
        if refusal is not None:
            self._refuse(message, refusal)

    async def _apply_unit(self, unit: Unit, message: Message) -> None:
        assignment, partition = self._assignment, message.partition
        if not self._states.holds(partition):
            await self._meet(partition)
        state = self._states.get(partition, unit.key)
        if state is None:
            state = KeyState(value=self.logic.new_state(unit.site, unit.key))
        version = self.logic.version(state.value, unit)
        plans = self._plans.get(version, _NO_PLANS)
        plan = plans.get(unit.key) or await self._plan(unit.key, version)
        if assignment != self._assignment:
            self._states.forget()
            raise _ReassignedError
        self._check_lease()
        step = self._step(state, unit, message, plan)
        if step.dropped:
            DROPPED.labels(self.logic.name, step.dropped).inc()
            return
        state.value = step.state
        state.sequence += 1
        # What left no mark need not be stored: applied again to the same state it leaves none either.
        state.dirty = state.dirty or step.changed
        state.at = unit.at
        state.source = message.topic
        self._states.put(partition, unit.key, state)
        for output in step.outputs:
            await self._write(output.topic, output.record, key=output.key)
            self._records_out(output.topic).inc()
        self._delay.observe(max(0.0, time.time() - unit.at / 1000))

    def _step(self, state: KeyState, unit: Unit, message: Message, plan: Any) -> Step:
        place = (message.topic, message.partition, message.offset)
        copy = self._states.packed(state) if self._caution.covers(*place) else None
        try:
            return self.logic.step(state.value, unit, message.partition, plan)
        except SightlineError:
            raise
        except Exception as error:
            self._caution.note(*place)
            told = (
                f"{self.logic.name} fails on {unit.key} at {'/'.join(map(str, place))}: {error!r}"
            )
            self._log.exception("a step failed", key=unit.key, offset=message.offset)
            if copy is None:
                raise Retryable(f"{told}; started again, it passes over that input") from error
            state.value = self._states.unpacked(copy)
            raise Rejected(f"{told}; please report it", reason="step-failed") from error

    async def _meet(self, partition: int) -> None:
        while not self._states.holds(partition):
            try:
                await asyncio.get_running_loop().run_in_executor(
                    None, self._states.load, partition, _now_ms()
                )
            except Retryable as error:
                self._log.warning("states cannot be read yet", error=str(error))
                await asyncio.sleep(_RETRY_S)

    async def _plan(self, key: str, version: int) -> Any:
        plans = self._plans.setdefault(version, {})
        if key not in plans:
            try:
                config = await asyncio.get_running_loop().run_in_executor(
                    None, self._configs.get, version, CONFIG_WAIT_S
                )
            except Retryable as error:
                # The agent writes a configuration before any frame can carry its version.
                raise Rejected(str(error), reason="unknown-config-version") from error
            plans[key] = self.logic.plan(config, key, version)
            while len(self._plans) > _VERSIONS:
                del self._plans[min(self._plans)]
        return plans[key]

    async def _write(
        self, topic: str, record: Record, *, key: str, partition: int | None = None
    ) -> None:
        await self._patiently(
            partial(self._producer.send, topic, record, key=key, partition=partition)
        )

    async def _patiently(self, send: Callable[[], None]) -> None:
        while True:
            try:
                send()
                return
            except Backpressure as full:
                self._producer.poll()
                await asyncio.sleep(full.retry_after_s)

    def _refuse(self, message: Message, error: Rejected) -> None:
        self._log.warning(
            "a record was refused",
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            error=str(error),
        )
        DEAD_LETTERS.labels(message.topic, error.reason).inc()
        send_to_dead_letters(self._producer, message, error)

    async def _store_in_turn(self) -> None:
        """Begin to store a share of the partitions where its turn has come."""
        waited_s = time.monotonic() - self._turned_at
        if self._storing is not None:
            if waited_s < _STORING_S and not self._storing.done():
                return
            await self._finish_storing()
        if waited_s >= STORE_EVERY_S / SHARES:
            self._turned_at = time.monotonic()
            self._turn = (self._turn + 1) % SHARES
            self._begin_storing(self._turn)

    def _begin_storing(self, share: int) -> None:
        covered, self._unacknowledged[share] = self._unacknowledged[share], []
        if covered:
            partitions = [p for p in self._states.partitions() if p % SHARES == share]
            states = self._states.take_dirty(partitions, _now_ms())
            self._storing = asyncio.ensure_future(self._store(covered, states))

    async def _finish_storing(self) -> None:
        storing, self._storing = self._storing, None
        if storing is not None:
            await storing
            await self._copy_due()

    async def _store(self, covered: Sequence[Any], states: Sequence[Storable]) -> None:
        """Store states once the broker has what they say, then acknowledge what they cover."""
        assignment = self._assignment
        await self._delivered()
        if assignment != self._assignment:
            return
        self._check_lease()
        for state in states:
            await self._patiently(partial(self._states.write, self._producer, state))
        await self._delivered()
        if assignment == self._assignment:
            for event in covered:
                event.ack()

    async def _delivered(self) -> None:
        """Wait until the broker has all that was written."""
        await asyncio.get_running_loop().run_in_executor(None, self._producer.flush)

    async def _copy_due(self) -> None:
        """Write the checkpoints that are due; a lost one is made up for by the next."""
        if self._checkpoints is None:
            return
        for partition in self._states.partitions():
            if not self._checkpoints.due(partition, time.time()):
                continue
            for record in checkpoints_of(
                self.logic.name, partition, self._states, self._positions, _now_ms()
            ):
                topic = f"checkpoints.{self.logic.name}"
                await self._write(topic, record, key=record.key, partition=partition)


def _steady_s() -> float:
    """Return a clock that never goes back, and goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _now_ms() -> int:
    return int(time.time() * 1000)
