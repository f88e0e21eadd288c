"""What may happen to a running product."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from infra.cli.platform import SERVICES
from infra.local.service import ServiceSpec
from tests.product import Product

STREAMS = next(spec for spec in SERVICES if spec.name == "streams")
SECOND = "streams-2"


def stop_for(product: Product, part: str, seconds: float) -> None:
    """Stop a process where it stands, and let it go on later as if nothing had been."""
    product.stack.kill(part, signal.SIGSTOP)
    time.sleep(seconds)
    product.stack.kill(part, signal.SIGCONT)


@contextmanager
def second_worker(product: Product) -> Iterator[None]:
    """Let a second worker take its share of the stages' partitions, and give it back."""
    environment = product.platform.settings.environment() | {"SIGHTLINE_WORKER": "w2"}
    product.stack.start_services([ServiceSpec(SECOND, STREAMS.args, STREAMS.needs, environment)])
    try:
        yield
    finally:
        product.stack.stop_part(SECOND)
