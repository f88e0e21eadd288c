"""What Kafka's own fence would cost: a transactional producer for each partition (docs/adr/0013).

Run with ``python -m tests.bench.fencing [ROUNDS]``. A round writes what one frame makes a stage
write, one record each to two topics, and waits for the broker: with the stage's idempotent
producer, and in a transaction. Then the memory and the start of as many transactional producers as
a worker with all stages would hold.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
from confluent_kafka import Producer

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics
from infra.runtime.kafka.message import CLIENT_LOG
from schemas.topics import PARTITIONS, STAGES, Topic
from tests.bench.printing import at_share, machine, table
from tests.bench.product import new_folder

ROUNDS = 300
TOPICS = ("bench.outputs", "bench.more")
RECORD = bytes(1000)
PRODUCERS = PARTITIONS * len(STAGES)


def producer(bootstrap: str, transactional: str | None) -> Producer:
    """Return an idempotent producer, transactional if it has a name."""
    config: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "linger.ms": 0,
    }
    named = {} if transactional is None else {"transactional.id": transactional}
    return Producer(config | named, logger=CLIENT_LOG)


def plain(one: Producer) -> None:
    """Write one frame's records and wait."""
    for topic in TOPICS:
        one.produce(topic, RECORD, b"gate")
    one.flush()


def transaction(one: Producer) -> None:
    """Write the same in a transaction."""
    one.begin_transaction()
    for topic in TOPICS:
        one.produce(topic, RECORD, b"gate")
    one.commit_transaction()


def times_ms(write: Callable[[Producer], None], one: Producer, rounds: int) -> list[float]:
    """Return how long each round took."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        write(one)
        found.append((time.perf_counter() - began) * 1000)
    return found


def main() -> None:
    """Print the times of both ways, and what many transactional producers take."""
    CLIENT_LOG.setLevel(logging.CRITICAL + 1)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"{rounds} rounds; {machine()}")
    with new_folder() as folder:
        stack = Stack(StackConfig(data_dir=folder, parts=frozenset({"edge-kafka"})))
        stack.start()
        try:
            bootstrap = stack.endpoints.edge_kafka
            create_topics(bootstrap, [Topic(t, "camera", (), "bench", "site") for t in TOPICS])
            ways = {"idempotent, waited for": (plain, producer(bootstrap, None))}
            ways["in a transaction"] = (transaction, producer(bootstrap, "bench"))
            ways["in a transaction"][1].init_transactions()
            found = {}
            for name, (write, one) in ways.items():
                times_ms(write, one, rounds // 10)
                found[name] = times_ms(write, one, rounds)
            first = at_share(found["idempotent, waited for"], 0.5)
            table(
                ("way", "p50 ms", "p99 ms", "× idempotent"),
                [
                    (
                        name,
                        f"{at_share(times, 0.5):.1f}",
                        f"{at_share(times, 0.99):.1f}",
                        f"{at_share(times, 0.5) / first:.1f}",
                    )
                    for name, times in found.items()
                ],
            )
            process = psutil.Process()
            before, threads = process.memory_info().rss, process.num_threads()
            began = time.perf_counter()
            held = [producer(bootstrap, f"bench-{number}") for number in range(PRODUCERS)]
            for one in held:
                one.init_transactions()
            print(
                f"{PRODUCERS} transactional producers: {time.perf_counter() - began:.1f} s to start, "
                f"{(process.memory_info().rss - before) / 2**20:.0f} MiB, "
                f"{process.num_threads() - threads} threads"
            )
        finally:
            stack.stop()


if __name__ == "__main__":
    main()
