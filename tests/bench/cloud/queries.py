"""What a console asks of the API, with millions of events in the store.

Ten kinds of requests in turn, 100 a second, through the real process with an API key. The load is
open: a request begins when its time has come, whether or not those before it are answered, and its
delay counts from then. Beside them runs a request for one row, which costs what every request costs:
the ratio to it is what the question itself costs.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import psutil
import psycopg
import uvloop

from infra.runtime.settings import Settings
from tests.access_helpers import account
from tests.bench.cloud.filling import CAMERAS, CAMERAS_OF_A_SITE, RULES, Filled, fill
from tests.bench.cloud.house import process, stores
from tests.bench.printing import at_share, machine, table

EVENTS = 5_000_000
A_SECOND, SECONDS, WARM_S = 100, 60, 5
CONNECTIONS = 64
BASELINE = "one row (organisation)"


@dataclass(frozen=True, slots=True)
class Question:
    """A kind of request; ``path`` makes the one of a number, so that no two in a row are the same."""

    name: str
    path: Callable[[Filled, int], str]


def _asked(path: str, **parameters: object) -> str:
    return f"{path}?{urlencode(parameters, doseq=True)}"


def _place(number: int) -> tuple[str, str]:
    camera = number * 37 % CAMERAS
    return f"site-{camera // CAMERAS_OF_A_SITE}", f"camera-{camera}"


QUESTIONS = (
    Question(BASELINE, lambda _filled, _n: "/api/v1/organisation"),
    Question("events, newest", lambda _filled, _n: _asked("/api/v1/events", limit=50)),
    Question(
        "events of one camera",
        lambda _filled, n: _asked("/api/v1/events", camera="/".join(_place(n)), limit=50),
    ),
    Question(
        "alerts not acknowledged",
        lambda _filled, _n: _asked("/api/v1/events", handling="new", severity="alert", limit=50),
    ),
    Question(
        "events of a rule in a day",
        lambda filled, n: _asked(
            "/api/v1/events",
            rule=f"rule-{n % RULES}",
            since=(filled.start + timedelta(days=n % 29)).isoformat(),
            until=(filled.start + timedelta(days=n % 29 + 1)).isoformat(),
            limit=50,
        ),
    ),
    Question(
        "events by text",
        lambda _filled, n: _asked("/api/v1/events", text=f"{_place(n)[1]} person", limit=50),
    ),
    Question(
        "one event with all of it",
        lambda filled, n: f"/api/v1/events/{filled.event_id(n * 104_729)}",
    ),
    Question(
        "counts of a day, by hour",
        lambda filled, n: _asked(
            "/api/v1/counts",
            site=_place(n)[0],
            since=(filled.end - timedelta(days=1)).isoformat(),
            bucket="hour",
            limit=500,
        ),
    ),
    Question(
        "suppressed candidates",
        lambda _filled, _n: _asked("/api/v1/candidates", verdict="suppressed", limit=50),
    ),
    Question("sites with their health", lambda _filled, _n: _asked("/api/v1/sites", limit=50)),
    Question(
        "verdicts of a week, by day",
        lambda filled, n: _asked(
            "/api/v1/figures/candidates",
            site=_place(n)[0],
            since=(filled.end - timedelta(days=7)).isoformat(),
            bucket="day",
            limit=500,
        ),
    ),
)


class Client:
    """Connections that stay open, each with one request under way."""

    def __init__(self, settings: Settings, headers: dict[str, str]) -> None:
        self._address = settings.listen.rpartition(":")
        self._head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )

    async def open(self) -> None:
        """Connect."""
        host, _, port = self._address
        for _ in range(CONNECTIONS):
            self._free.put_nowait(await asyncio.open_connection(host, int(port), limit=1 << 22))

    async def get(self, path: str) -> tuple[int, int]:
        """Return the status of the answer and the length of its body."""
        reader, writer = connection = await self._free.get()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{self._head}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r")[0])
        await reader.readexactly(length)
        self._free.put_nowait(connection)
        return int(head.split(" ", 2)[1]), length


@dataclass(slots=True)
class Measured:
    """What came of one kind of request."""

    delays_s: list[float]
    bytes: int = 0


async def ask(client: Client, filled: Filled, seconds: float) -> dict[str, Measured]:
    """Ask all questions in turn for so long."""
    measured: defaultdict[str, Measured] = defaultdict(lambda: Measured([]))
    began_s = time.perf_counter()

    async def one(number: int, due_s: float) -> None:
        question = QUESTIONS[number % len(QUESTIONS)]
        path = question.path(filled, number)
        status, length = await client.get(path)
        if status != 200:
            sys.exit(f"{path} was answered {status}")
        found = measured[question.name]
        found.delays_s.append(time.perf_counter() - due_s)
        found.bytes += length

    async with asyncio.TaskGroup() as tasks:
        for number in range(int(seconds * A_SECOND)):
            due_s = began_s + number / A_SECOND
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            tasks.create_task(one(number, due_s))
    return measured


def measure(
    settings: Settings, api: psutil.Process, filled: Filled, headers: dict[str, str]
) -> None:
    """Print the delays, and what the API and Postgres spent meanwhile."""

    async def run() -> dict[str, Measured]:
        client = Client(settings, headers)
        await client.open()
        await ask(client, filled, WARM_S)
        return await ask(client, filled, SECONDS)

    before = _spent(settings, api)
    found = uvloop.run(run())
    api_s, postgres_s = (
        after - early for early, after in zip(before, _spent(settings, api), strict=True)
    )
    everything = [s for one in found.values() for s in one.delays_s]
    reference = at_share(found[BASELINE].delays_s, 0.5)
    rows = [(name, one.delays_s, one.bytes) for name, one in found.items()]
    rows.append(("all", everything, sum(one.bytes for one in found.values())))
    table(
        ("request", "asked", "p50 ms", "p99 ms", "p50 / one row", "KiB"),
        [
            (
                name,
                str(len(delays)),
                f"{1000 * at_share(delays, 0.5):.1f}",
                f"{1000 * at_share(delays, 0.99):.1f}",
                f"{at_share(delays, 0.5) / reference:.1f}",
                f"{size / len(delays) / 1024:.1f}",
            )
            for name, delays, size in rows
        ],
    )
    lasted_s = SECONDS + WARM_S
    print(f"busy: API {api_s / lasted_s:.2f} cores, Postgres {postgres_s / lasted_s:.2f} cores")


def _spent(settings: Settings, api: psutil.Process) -> tuple[float, float]:
    return _cpu_s([api]), _cpu_s(_backends(settings))


def _backends(settings: Settings) -> Iterator[psutil.Process]:
    with psycopg.connect(settings.postgres_dsn) as connection:
        for (pid,) in connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid()"
        ):
            yield psutil.Process(pid)


def _cpu_s(processes: Iterator[psutil.Process] | list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def main(events: int = EVENTS) -> None:
    """Fill the store and ask."""
    with stores("cloud-kafka", "postgres", "mongo") as settings:
        owner = account(settings.postgres_dsn)
        began_s = time.monotonic()
        filled = fill(settings.postgres_dsn, owner.organisation_id, events)
        print(f"{filled.events} events stored in {time.monotonic() - began_s:.0f} s; {machine()}")
        with process("api", settings, "/healthz") as api:
            for _ in range(2):
                measure(settings, api, filled, owner.key)
                print(machine())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
