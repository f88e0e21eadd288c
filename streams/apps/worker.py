"""One worker process: some or all of the stages, each a Faust app of its own."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import threading
from collections.abc import Sequence

from infra.runtime.configs import ConfigStore
from infra.runtime.service import Service
from schemas.errors import Fatal
from streams.apps.stage import Stage
from streams.apps.stages import all_stages
from streams.apps.watchdog import worker_watchdog

STOP_DEADLINE_S = 20.0


def run_streams(service: Service, only: Sequence[str] = ()) -> None:
    """Run the stages named in ``only`` (all of them by default) until the service stops.

    Raises:
        Fatal: a stage of that name does not exist, or a stage is beyond repair.
        Retryable: Kafka took no more outputs; the supervisor starts the process again.
    """
    # Nearly all that stages make is gone before it could be garbage: a fifteenth of their time went
    # into looking for cycles. What is imported by now stays.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    logics = all_stages()
    unknown = sorted(set(only) - set(logics))
    if unknown:
        raise Fatal(f"no stage is called {', '.join(unknown)}: there are {', '.join(logics)}")
    chosen = [logics[name] for name in (only or logics)]
    bootstrap = service.settings.need("edge_kafka")
    watchdog = worker_watchdog(bootstrap, {logic.name: logic.sources for logic in chosen})
    configs = ConfigStore(bootstrap)

    async def main() -> None:
        stopping = asyncio.Event()
        settings = service.settings
        scratch = settings.data / "faust" / settings.worker
        every_s = checkpoint_every_s(settings.checkpoint_s)
        stages = [
            Stage(logic, bootstrap, settings.worker, configs, scratch, every_s) for logic in chosen
        ]
        signalled = asyncio.ensure_future(_signalled(service.stopping, stopping))
        tasks = [asyncio.ensure_future(stage.run(stopping)) for stage in stages]
        watchdog.start()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        stopping.set()
        signalled.cancel()
        _end_without_fail()
        await asyncio.gather(*tasks)

    try:
        asyncio.run(main())
    finally:
        watchdog.stop()
        configs.close()


def checkpoint_every_s(text: str) -> float:
    """Read the setting.

    Raises:
        Fatal: it is no number of seconds above 0.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise Fatal(f"SIGHTLINE_CHECKPOINT_S is {text!r}: give a number of seconds above 0")
    return seconds


async def _signalled(source: threading.Event, target: asyncio.Event) -> None:
    while not source.is_set():
        await asyncio.sleep(0.1)
    target.set()
    _end_without_fail()


def _end_without_fail() -> None:
    """Leave the process after the deadline even if a client hangs; what is stored is safe."""
    timer = threading.Timer(STOP_DEADLINE_S, os._exit, args=(EXIT_STUCK,))
    timer.daemon = True
    timer.start()


EXIT_STUCK = 75
"""EX_TEMPFAIL: stopping took too long."""
