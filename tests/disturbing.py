"""Footage that runs through the product while something is done to it, compared with replay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests import pets
from tests.product import Product
from tests.replaying import epoch_of, replay


def run_disturbed(product: Product, folder: Path, camera: str, disturb: Callable[[], None]) -> None:
    """Run the footage as ``camera``, disturb in the midst of it, and compare with replay."""
    text = pets.site_yaml({camera: "max"})
    product.apply(text, folder, local=True)
    product.wait(
        f"the first events of {camera}",
        lambda: product.local_events(camera) or None,
    )
    disturb()
    product.finish(camera)
    expected = replay(text, camera, epoch_of(product, camera), folder)
    product.wait(
        f"as many verdicts on {camera} as in replay",
        lambda: len(product.verdicts(camera)) >= len(expected.verdicts) or None,
        60,
    )
    assert product.outcome(camera) == expected.events
    assert product.verdicts(camera) == expected.verdicts
