"""From which states a replay starts, so that it says what live said from a time on.

Stages are copied one after another, never all at the same instant. A cut is whole where each stage
has applied at least all that the one before it had said: what is said again is dropped by its
``n``, as after a crash. So the last stage is chosen first, and each one before it far enough back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Copy:
    """One checkpoint of one key."""

    at: int
    """Event time reached, UTC ms."""
    position: int
    """Offset in the stage's source up to which all is in it."""
    sequence: int
    restore: Callable[[], Any]
    """Decodes the state: most copies are looked at by their time only."""

    @cached_property
    def state(self) -> Any:
        """The stage's state."""
        return self.restore()


Copies = Mapping[tuple[str, str], Sequence[Copy]]
"""By (stage, key)."""


@dataclass
class Cut:
    """States to begin with; what is missing begins new, at the beginning of what is kept."""

    states: dict[tuple[str, str], Any] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    """By camera: the last offset of ``detections`` that its state covers."""
    since: dict[str, int] = field(default_factory=dict)
    """By camera: the time, UTC ms, that its state had reached."""
    heard: dict[str, int] = field(default_factory=dict)
    """By key: the last offset of ``candidates`` that its filter's state covers."""


def choose(copies: Copies, cameras: Mapping[str, Sequence[str]], before: int) -> Cut:
    """Choose the latest whole cut from which everything at or after ``before`` is said again.

    ``cameras`` holds the keys that each camera's triggers go to: its own, and the site's where a
    rule looks beyond it.
    """
    cut = Cut()
    keys = sorted({key for fed in cameras.values() for key in fed})
    matches = {key: _decide(copies, key, before, cut) for key in keys}
    for camera, fed in cameras.items():
        applied = min(_applied_of(matches[key], camera) for key in fed)
        sense = _covered(copies.get(("sense", camera), ()), "applied", applied)
        if sense is not None:
            cut.states["sense", camera] = sense.state
            cut.positions[camera] = sense.position
            cut.since[camera] = sense.at
    return cut


def _decide(copies: Copies, key: str, before: int, cut: Cut) -> Any:
    """Choose group, filter and match of one key; return the state of match, None for a new one."""
    group = _latest(copies.get(("group", key), ()), lambda copy: copy.at < before)
    if group is None:
        return None
    # Numbers begin with 1; -1 says that nothing was applied.
    applied = max(group.state.applied, 0)
    chosen = {"group": group.state}
    heard = -1
    for stage in ("filter", "match"):
        copy = _covered(copies.get((stage, key), ()), "n", applied)
        if copy is None:
            # All of it is said again from the beginning: then everything starts there.
            return None
        chosen[stage] = copy.state
        if stage == "filter":
            heard = copy.position
        applied = max(getattr(copy.state, "applied", 0), 0)
    cut.states.update({(stage, key): state for stage, state in chosen.items()})
    cut.heard[key] = heard
    return chosen["match"]


def _applied_of(match: Any, camera: str) -> int:
    member = None if match is None else match.members.get(camera)
    return -1 if member is None else int(member.applied)


def _covered(copies: Iterable[Copy], counter: str, limit: int) -> Copy | None:
    return _latest(copies, lambda copy: getattr(copy.state, counter) <= limit)


def _latest(copies: Iterable[Copy], fits: Callable[[Copy], bool]) -> Copy | None:
    fitting = [copy for copy in copies if fits(copy)]
    return max(fitting, key=lambda copy: (copy.at, copy.sequence), default=None)
