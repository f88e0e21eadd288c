"""Anything may be killed, stopped or doubled at any moment: the events stay those of a quiet run."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.local.service import ServiceSpec
from schemas.errors import Fatal
from schemas.topics import STAGES
from streams.apps.group import SESSION_S
from tests.chaos.disturbances import STREAMS, second_worker, stop_for
from tests.disturbing import run_disturbed
from tests.product import Product

ROUNDS = int(os.environ.get("SIGHTLINE_CHAOS_ROUNDS", "1"))
"""`make test` runs one, `make chaos` fifty."""
DISTURBANCES = 4
LONGEST_PAUSE_S = 4.0
BACK_WITHIN_S = 60.0
LONGEST_STOP_S = 2 * SESSION_S
SECOND_PART = 0.3
"""Of the rounds run with a second worker from some moment to another."""
# Not capture: a new opening of a source is a new epoch, with other ids.
OTHERS = (
    "detect",
    "triton",
    "agent",
    "evidence",
    "evidence-sink",
    "edge-connect",
    "cloud-connect",
    "postgres",
    "edge-kafka",
    "cloud-kafka",
)
STOPPED = ("detect", "agent", "evidence", "evidence-sink")
"""Those of ours that may be stopped for a while, besides the stages."""


class Disturber:
    """Does random things to a product; ``stages`` are the processes that run the stages."""

    def __init__(self, product: Product, chance: random.Random, stages: tuple[str, ...]) -> None:
        self._product = product
        self._chance = chance
        self._stages = stages

    def disturb(self) -> None:
        """Do several things, with random pauses, and wait until all runs again."""
        with ExitStack() as stack:
            if self._chance.random() < SECOND_PART:
                print("a second worker")
                stack.enter_context(second_worker(self._product))
            for _ in range(DISTURBANCES):
                self._chance.choices((self._kill, self._stop), weights=(3, 1))[0]()
                time.sleep(self._chance.uniform(0, LONGEST_PAUSE_S))
        for part in (*self._stages, *OTHERS):
            self._product.stack.wait_part(part)

    def _kill(self) -> None:
        # Half of the time it is a stage: that is where state is.
        victims = self._stages if self._chance.random() < 0.5 else OTHERS
        victim = self._chance.choice(victims)
        print(f"kill -9 {victim}")
        until_s = time.monotonic() + BACK_WITHIN_S
        while True:
            try:
                self._product.stack.kill(victim)
                return
            except Fatal:
                # Killed a moment ago, it has no process yet.
                if time.monotonic() > until_s:
                    raise
                time.sleep(0.05)

    def _stop(self) -> None:
        victim = self._chance.choice((*self._stages, *STOPPED))
        seconds = self._chance.uniform(0.5, LONGEST_STOP_S)
        self._product.stack.wait_part(victim)
        print(f"stop {victim} for {seconds:.1f} s")
        stop_for(self._product, victim, seconds)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_disturbances_change_no_event(product: Product, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    if seed % 2:
        _with_stages_apart(product, lambda: _round(product, tmp_path, seed, chance, STAGES))
    else:
        _round(product, tmp_path, seed, chance, ("streams",))


def _round(
    product: Product, folder: Path, seed: int, chance: random.Random, stages: tuple[str, ...]
) -> None:
    disturber = Disturber(product, chance, stages)
    run_disturbed(product, folder, f"chaos-{seed}", disturber.disturb)


def _with_stages_apart(product: Product, run: Callable[[], None]) -> None:
    """Run with a process for each stage, so that each is disturbed alone."""
    product.stack.stop_part("streams")
    environment = product.platform.settings.environment()
    product.stack.start_services(
        [
            ServiceSpec(stage, (*STREAMS.args, "--only", stage), STREAMS.needs, environment)
            for stage in STAGES
        ]
    )
    try:
        run()
    finally:
        for stage in STAGES:
            product.stack.stop_part(stage)
        product.stack.start_part("streams")
