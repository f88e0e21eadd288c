"""What the contract tests of consumers share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from infra.runtime.kafka import Message, read_all
from infra.runtime.service import Service
from schemas.errors import Retryable, SightlineError

SITE = "depot-7"
T = TypeVar("T")


class Running:
    """A process's main function in a thread, stopped as a signal would."""

    def __init__(self, service: Service, main: Callable[[Service], None]) -> None:
        self.service = service
        self._failure: SightlineError | None = None
        self._thread = threading.Thread(target=self._run, args=(main,))
        self._thread.start()

    def stop(self) -> None:
        self.service.stopping.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "it does not stop"
        # Once: the fixture stops what a test has stopped already.
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _run(self, main: Callable[[Service], None]) -> None:
        try:
            main(self.service)
        except SightlineError as error:
            self._failure = error


def eventually(look: Callable[[], T | None], within_s: float = 60.0) -> T:
    """Return what ``look`` finds, once it finds something (that is true)."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing was found within {within_s:g} s")


def have_leaders(bootstrap: str) -> bool:
    """Tell whether the topics, just created, can be read."""
    try:
        return not any(read_all(bootstrap, topic) for topic in ("frames", "up.receipts", "config"))
    except Retryable:
        return False


def dead_letters(bootstrap: str, topic: str, key: str) -> list[Message]:
    return [message for message in read_all(bootstrap, f"dlq.{topic}") if message.key == key]
