"""How long after an event stands in Kafka a webhook has it, and how many messages go out a second.

Run with ``python -m tests.bench.notify [SECONDS]``: a calm site (four events a second to one
webhook), then a burst to several webhooks. Beside it the same number of posts by a bare client, so
that the rate can be read as a part of what this machine can do.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from consumers.notify.reading import TOPIC
from consumers.notify.run import run_notify
from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics, read_all
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.errors import Retryable
from schemas.topics import cloud_topics
from tests.bench.printing import at_share, machine, table
from tests.contract.notify.house import House, now_at
from tests.contract.notify.receivers import Hook

SECONDS = 60.0
A_SECOND = 4
BURST, WEBHOOKS = 400, 4


@contextmanager
def cloud() -> Iterator[Settings]:
    """Kafka, Postgres, and the process that notifies."""
    folder = Path(tempfile.mkdtemp(prefix="sightline-bench-"))
    folder.chmod(0o755)
    stack = Stack(StackConfig(data_dir=folder, parts=frozenset({"cloud-kafka", "postgres"})))
    stack.start()
    try:
        ends = stack.endpoints
        create_topics(ends.cloud_kafka, cloud_topics())
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s:
            try:
                read_all(ends.cloud_kafka, TOPIC)
                break
            except Retryable:
                time.sleep(0.2)
        migrate(ends.postgres_dsn)
        settings = Settings(
            cloud_kafka=ends.cloud_kafka,
            postgres_dsn=ends.postgres_dsn,
            secret_key="a secret of the bench, long enough to seal",
            notify_private="true",
        )
        service = Service("notify", settings)
        running = threading.Thread(target=run_notify, args=(service,))
        running.start()
        try:
            yield settings
        finally:
            service.stopping.set()
            running.join()
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def calm(settings: Settings, seconds: float) -> list[float]:
    """Return the seconds from each event's writing to its arrival."""
    house = House(settings)
    arrived: dict[str, int] = {}
    with Hook() as hook:

        def note(got: object) -> tuple[int, dict[str, str]]:
            arrived[got.json["data"]["event"]["event_id"]] = now_at()  # type: ignore[attr-defined]
            return 204, {}

        hook.answer = note
        house.route(house.webhook(hook.url))
        house.happen()
        hook.wait(1)
        written: dict[str, int] = {}
        for _ in range(int(seconds * A_SECOND)):
            event = house.event()
            written[event.event_id] = now_at()
            house.send(event)
            time.sleep(1 / A_SECOND)
        hook.wait(1 + len(written))
    house.close()
    return sorted((arrived[event] - at) / 1000 for event, at in written.items())


def burst(settings: Settings) -> float:
    """Return the messages a second of a burst."""
    house = House(settings)
    with Hook() as hook:
        house.route(*(house.webhook(hook.url) for _ in range(WEBHOOKS)))
        events = [house.event() for _ in range(BURST)]
        began_s = time.monotonic()
        house.send(*events)
        hook.wait(BURST * WEBHOOKS, 600)
        took_s = time.monotonic() - began_s
    house.close()
    return BURST * WEBHOOKS / took_s


def bare() -> float:
    """Return the posts a second of as many clients that do nothing else."""

    async def one(url: str) -> None:
        async with httpx.AsyncClient() as client:
            for _ in range(BURST):
                await client.post(url, content=b"x" * 1500)

    async def all_of_them(url: str) -> None:
        await asyncio.gather(*(one(url) for _ in range(WEBHOOKS)))

    with Hook() as hook:
        began_s = time.monotonic()
        asyncio.run(all_of_them(hook.url))
        return BURST * WEBHOOKS / (time.monotonic() - began_s)


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with cloud() as settings:
        delays = calm(settings, seconds)
        sent = burst(settings)
    posts = bare()
    print(machine())
    table(
        ("what", "figure"),
        [
            ("event in Kafka to the webhook, p50", f"{at_share(delays, 0.5) * 1000:.0f} ms"),
            ("event in Kafka to the webhook, p99", f"{at_share(delays, 0.99) * 1000:.0f} ms"),
            (f"messages a second to {WEBHOOKS} webhooks", f"{sent:.0f}"),
            ("posts a second of bare clients", f"{posts:.0f}"),
            ("ratio", f"{sent / posts:.2f}"),
        ],
    )


if __name__ == "__main__":
    main()
