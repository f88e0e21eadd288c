"""Which way of keeping state costs what: inputs a second on a real broker (docs/adr/0003).

Run with ``python -m tests.bench.state [INPUTS] [ROUNDS]``. The product's stage around a logic that
only counts, reading YOLOX's boxes of the PETS 2009 footage as 16 cameras and writing each message
on: with its states stored about once a second, as the product does; with a state record for each
input; with a Faust Table written for each input; and without any state, which all are compared
with. Once with a small state for each camera, once with one as large as sense keeps of a busy
camera. The median of the rounds, for single ones differ; the ways take turns within a
round, each in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from pathlib import Path
from statistics import median
from typing import Any

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import RecordProducer, create_topics
from schemas.errors import Backpressure
from schemas.records import Detections
from schemas.topics import Topic
from tests.bench.core import BOXES, footage
from tests.bench.printing import machine, table
from tests.bench.product import new_folder
from tests.bench.state_logic import SOURCE, Cost, Counting, Span
from tests.bench.state_stage import MeasuredStage
from tests.bench.state_table import TableStage

INPUTS, ROUNDS = 20_000, 3
WARM_UP_PART = 10
CAMERAS = 16
STATE_BYTES = (200, 26_000)
WAYS = ("no state", "stored once a second", "record an input", "Table write an input")
LIMIT_S = 300.0


def produce(bootstrap: str, count: int) -> None:
    """Write so many inputs."""
    create_topics(bootstrap, [Topic(SOURCE, "camera", (Detections,), "inputs", "site")])
    producer = RecordProducer(bootstrap, "bench")
    frames = footage()
    for number in range(count):
        camera = f"camera-{number % CAMERAS}"
        reading = replace(frames[number // CAMERAS % len(frames)], camera=camera, offset=number)
        record = Detections(site="bench", partition=0, readings=(reading,))
        while True:
            try:
                producer.send(SOURCE, record, key=camera)
                break
            except Backpressure:
                producer.flush()
    producer.flush()


def cost_of(way: str, name: str, bootstrap: str, state_bytes: int, inputs: int, data: Path) -> Cost:
    """Run one way over all inputs."""
    logic = Counting(name, state_bytes)
    create_topics(bootstrap, logic.topics())
    span = Span(inputs // WARM_UP_PART, inputs + inputs // WARM_UP_PART)

    async def run() -> None:
        stage = (
            TableStage(logic, bootstrap, data, span)
            if way == WAYS[3]
            else MeasuredStage(logic, bootstrap, data, way, span)
        )
        await stage.measure()

    asyncio.run(run())
    return span.cost


def measure(bootstrap: str, inputs: int, rounds: int, data: Path) -> dict[tuple[int, str], Cost]:
    """Return the median cost of each size of state and way."""
    spawning = multiprocessing.get_context("spawn")
    costs: dict[tuple[int, str], list[Cost]] = {}
    for number in range(rounds):
        for size in STATE_BYTES:
            for place, way in enumerate(WAYS):
                name = f"bench-{number}-{size}-{place}"
                arguments = (way, name, bootstrap, size, inputs, data)
                cost = _elsewhere(spawning, arguments)
                print(f"{name} {way}: {cost.rate:.0f} a second", file=sys.stderr)
                costs.setdefault((size, way), []).append(cost)
    return {
        place: Cost(median(cost.rate for cost in found), median(cost.cpu_s for cost in found))
        for place, found in costs.items()
    }


def _elsewhere(spawning: SpawnContext, arguments: tuple[Any, ...]) -> Cost:
    """Run ``cost_of`` in a process of its own, which ends with this call."""
    receiver, sender = spawning.Pipe(duplex=False)
    worker = spawning.Process(target=_send_cost, args=(sender, *arguments), daemon=True)
    worker.start()
    sender.close()
    try:
        if not receiver.poll(LIMIT_S):
            sys.exit(f"{arguments[0]}: no result after {LIMIT_S:g} s")
        cost: Cost = receiver.recv()
        return cost
    except EOFError:
        sys.exit(f"{arguments[0]}: ended without a result; its error stands above")
    finally:
        worker.kill()
        worker.join()


def _send_cost(sender: Connection, *arguments: Any) -> None:
    sender.send(cost_of(*arguments))


def main() -> None:
    """Print a line for each size of state and way."""
    inputs, rounds = (
        int(given or default)
        for given, default in zip((*sys.argv[1:], "", ""), (INPUTS, ROUNDS), strict=False)
    )
    if not BOXES.exists():
        sys.exit("no fixtures: set SIGHTLINE_FIXTURES to the folder that holds det/")
    print(f"{inputs} inputs, {CAMERAS} cameras, median of {rounds} rounds; {machine()}")
    with new_folder() as folder:
        stack = Stack(StackConfig(data_dir=folder, parts=frozenset({"edge-kafka"})))
        stack.start()
        try:
            produce(stack.endpoints.edge_kafka, inputs + inputs // WARM_UP_PART)
            costs = measure(stack.endpoints.edge_kafka, inputs, rounds, folder)
        finally:
            stack.stop()
    table(
        ("way", "state bytes", "inputs a second", "× no state", "CPU µs an input", "× no state"),
        [
            (
                *(way, str(size)),
                *(f"{cost.rate:.0f}", f"{cost.rate / costs[size, WAYS[0]].rate:.2f}"),
                *(f"{1e6 * cost.cpu_s:.0f}", f"{cost.cpu_s / costs[size, WAYS[0]].cpu_s:.2f}"),
            )
            for (size, way), cost in costs.items()
        ],
    )


if __name__ == "__main__":
    main()
