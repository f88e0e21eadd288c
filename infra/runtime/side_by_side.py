"""Several loops in one process: what ends stops the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from infra.runtime.service import Service


def run_side_by_side(service: Service, mains: Mapping[str, Callable[[], None]]) -> None:
    """Run each in a thread, until the service stops or one of them ends.

    A process with a part missing has failed as a whole, so that its supervisor starts it anew: the
    first that ends stops the others, and what it raised is raised here.
    """
    with ThreadPoolExecutor(len(mains)) as pool:
        running = [pool.submit(main) for main in mains.values()]
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        service.stopping.set()
    for one in (*ended, *running):
        one.result()
