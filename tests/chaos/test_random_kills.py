"""Anything may be killed at any moment: the events stay those of an undisturbed run."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.disturbing import run_disturbed
from tests.product import Product

ROUNDS = int(os.environ.get("SIGHTLINE_CHAOS_ROUNDS", "1"))
"""`make test` runs one, `make chaos` fifty."""
KILLS = 4
LONGEST_PAUSE_S = 4.0
# Not capture: a new opening of a source is a new epoch, with other ids.
VICTIMS = (
    "streams",
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


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_kills_change_no_event(product: Product, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    def disturb() -> None:
        for _ in range(KILLS):
            victim = chance.choice(VICTIMS)
            print(f"kill -9 {victim}")
            product.stack.kill(victim)
            time.sleep(chance.uniform(0, LONGEST_PAUSE_S))
        for part in VICTIMS:
            product.stack.wait_part(part)

    run_disturbed(product, tmp_path, f"chaos-{seed}", disturb)
