"""The catalogue of open detectors: where each is published, and how its file is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from schemas.errors import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One published detector."""

    name: str
    about: str
    address: str
    sha256: str
    """Of the file at the address, hex."""
    licence: str
    """SPDX identifier."""
    card: Mapping[str, Any]
    """Values of its card; the rest follows from the format and the file."""

    @property
    def values(self) -> dict[str, Any]:
        """What the catalogue knows of the card."""
        return {
            "about": self.about,
            "licence": self.licence,
            "source": self.address,
            "sha256": self.sha256,
            **self.card,
        }


@cache
def catalogue() -> Mapping[str, Entry]:
    """Return the detectors of the catalogue by their names."""
    text = files("triton_models").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return {name: Entry(name=name, **values) for name, values in yaml.safe_load(text).items()}


def entry_named(name: str) -> Entry:
    """Return a detector of the catalogue.

    Raises:
        Rejected: there is none of this name.
    """
    if name not in catalogue():
        raise Rejected(
            f"the catalogue has no {name!r}, only {', '.join(catalogue())}; "
            "give an address with --sha256, --as and --format instead",
            reason="unknown-model",
        )
    return catalogue()[name]


def entry_of(sha256: str) -> Entry | None:
    """Return the detector whose file has this checksum, if the catalogue knows it."""
    return next((entry for entry in catalogue().values() if entry.sha256 == sha256), None)
