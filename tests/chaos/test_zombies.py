"""A worker that was stopped for longer than its session, and goes on, changes no event."""

from __future__ import annotations

from pathlib import Path

from streams.apps.group import SESSION_S
from tests.chaos.disturbances import second_worker, stop_for
from tests.disturbing import run_disturbed
from tests.product import Product

LONG_S = 2 * SESSION_S


def test_a_worker_that_slept_changes_no_event(product: Product, tmp_path: Path) -> None:
    run_disturbed(product, tmp_path, "asleep", lambda: stop_for(product, "streams", LONG_S))


def test_a_worker_that_slept_through_its_succession_changes_no_event(
    product: Product, tmp_path: Path
) -> None:
    def disturb() -> None:
        with second_worker(product):
            stop_for(product, "streams", LONG_S)

    run_disturbed(product, tmp_path, "succeeded", disturb)


def test_a_second_worker_that_comes_and_goes_changes_no_event(
    product: Product, tmp_path: Path
) -> None:
    def disturb() -> None:
        for _ in range(2):
            with second_worker(product):
                product.stack.kill("streams")
                product.stack.wait_part("streams")

    run_disturbed(product, tmp_path, "shared", disturb)
