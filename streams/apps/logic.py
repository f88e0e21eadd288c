"""What a stage is, apart from how it is run: its inputs, its state, its step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.records import Record
from schemas.site import SiteConfig


@dataclass(frozen=True, slots=True)
class Unit:
    """One input of one key: the smallest thing that moves a state."""

    site: str
    key: str
    config_version: int
    at: int
    """Event time, UTC ms."""
    body: Any


@dataclass(frozen=True, slots=True)
class Output:
    """One record to write; ``partition`` wins over the key's hash where it is given."""

    topic: str
    record: Record
    key: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one unit led to; ``dropped`` says why it was passed over, if it was."""

    state: Any
    outputs: tuple[Output, ...]
    dropped: str | None = None
    changed: bool = True
    """False: the state is as before, but for the number of the last input."""


class StageLogic(Protocol):
    """One stage around the core; pure but for the configuration it is handed."""

    @property
    def name(self) -> str:
        """Of the stage; its app, group and state topic are named after it."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Topics it reads."""

    @property
    def state_type(self) -> type:
        """Class of a key's state."""

    def units(self, record: Record, topic: str) -> Sequence[Unit]:
        """Split a message of one of the sources into units, in order.

        Raises:
            Rejected: the record is not one that this stage reads.
        """

    def new_state(self, site: str, key: str) -> Any:
        """Return the state of a key that was never met."""

    def version(self, state: Any, unit: Unit) -> int:
        """Return the configuration version to judge a unit under."""

    def plan(self, config: SiteConfig, key: str, version: int) -> Any:
        """Compile the configuration for one key.

        Raises:
            Rejected: the configuration does not know the key.
        """

    def step(self, state: Any, unit: Unit, partition: int, plan: Any) -> Step:
        """Apply one unit."""
