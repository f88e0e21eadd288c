"""All services of a small cloud in one process: the API and the workers beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from infra.runtime.service import Service

Main = Callable[[Service], None]


def run_side_by_side(service: Service, mains: Mapping[str, Main]) -> None:
    """Run several main functions, each in a thread, until the service stops or one of them ends.

    A cloud with a part missing has failed as a whole, so that its supervisor starts it anew: the
    first that ends stops the others, and what it raised is raised here.
    """
    with ThreadPoolExecutor(len(mains), thread_name_prefix="cloud") as pool:
        running = [pool.submit(main, service) for main in mains.values()]
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        service.stopping.set()
    for one in (*ended, *running):
        one.result()
