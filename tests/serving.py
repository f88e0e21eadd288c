"""A process of ours as a thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.runtime.service import Service


@contextmanager
def in_thread(
    service: Service, main: Callable[[Service], None], within_s: float
) -> Iterator[Service]:
    """Run ``main``; it must end ``within_s`` seconds after it was told to, without an error."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            main(service)
        except BaseException as error:
            failures.append(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield service
    finally:
        service.stopping.set()
        thread.join(within_s)
    assert not thread.is_alive() and not failures
