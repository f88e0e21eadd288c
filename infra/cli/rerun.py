"""A stretch of what a site still keeps, run through the stages once more."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from infra.cli.cuts import choose
from infra.cli.flow import Configs, Flow, Observe
from infra.cli.retained import Retained, keys_of, together
from infra.runtime.configs import ConfigStore
from schemas.errors import Rejected, Retryable
from schemas.records import Event, Sensed, Verdict
from schemas.site import SiteConfig

NEVER = sys.maxsize
_ENOUGH_S = 10.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Event time in UTC ms: from ``start`` up to, not including, ``until``."""

    start: int
    until: int = NEVER

    def __contains__(self, at: int) -> bool:
        return self.start <= at < self.until


@dataclass
class Said:
    """What the stages said of a stretch, in the order in which it was said."""

    stretch: Stretch
    sensed: list[Sensed] = field(default_factory=list)
    """With the triggers that became known in the stretch."""
    events: list[Event] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    readings: int = 0
    reached: int = 0
    """Time of the last reading, UTC ms."""
    since: dict[str, int] = field(default_factory=dict)
    """By camera: the time that the checkpoint it began with had reached."""
    inexact: list[str] = field(default_factory=list)
    """Cameras that began without a state although older detections are gone."""
    refused: dict[str, int] = field(default_factory=dict)
    """Inputs refused, by reason."""

    def add(self, record: object, cameras: frozenset[str]) -> None:
        """Take in an output that concerns one of the cameras."""
        if isinstance(record, Sensed) and record.key in cameras:
            triggers = tuple(t for t in record.triggers if t.known_at in self.stretch)
            if triggers:
                self.sensed.append(replace(record, triggers=triggers))
        elif isinstance(record, Event):
            if record.camera in cameras and record.at in self.stretch:
                self.events.append(record)
        elif (
            isinstance(record, Verdict)
            and record.camera in cameras
            and record.decided_at in self.stretch
        ):
            self.verdicts.append(record)


def rerun(
    bootstrap: str,
    running: SiteConfig,
    configs: Configs,
    stretch: Stretch,
    cameras: Sequence[str] = (),
    observe: Callable[[Flow], Observe] | None = None,
    *,
    as_live: bool = True,
) -> Said:
    """Run the stages over a stretch, from the checkpoint before it.

    ``running`` is the configuration that the checkpoints belong to, ``configs`` what is judged
    under; ``cameras`` (all by default) limits what is said. ``observe`` is given the flow and
    returns what is called with each step. ``as_live``: ``configs`` are those that were in force.

    Raises:
        Rejected: there is no such camera, or nothing of it is kept.
        Retryable: Kafka does not answer.
    """
    needed = together(running, cameras)
    fed = keys_of(running, needed)
    retained = Retained(bootstrap)
    keys = sorted({key for keys in fed.values() for key in keys})
    cut = choose(retained.copies(keys, stretch.start, near=True), fed, stretch.start)
    if len(cut.positions) < len(needed):
        # Footage has times of its own; a site that lagged wrote later.
        cut = choose(retained.copies(keys, stretch.start), fed, stretch.start)
    said = Said(stretch, since=cut.since, inexact=retained.without_beginning(needed, cut))
    chosen = frozenset(cameras or needed)
    strange = {key for camera in said.inexact for key in fed[camera]}
    numbered = set(keys) - strange if as_live else set()
    flow = Flow(configs, cut.states, retained.remarks(keys, cut, numbered))
    if observe is not None:
        flow.observe = observe(flow)
    for given in retained.readings(needed, cut, stretch.until):
        said.readings += 1
        said.reached = max(said.reached, given.unit.at)
        for output in flow.feed(given.unit, given.partition):
            if output.topic != "site-triggers":
                said.add(output.record, chosen)
    said.refused = dict(flow.refused)
    if not said.readings:
        raise Rejected(
            f"nothing is kept of {', '.join(needed) or 'any camera'} for that time: detections "
            "are kept for 7 days; see `sightline topics list`"
        )
    return said


def tell(said: Said) -> list[str]:
    """Return what a person must know of how a stretch was run again."""
    lines = [
        f"{camera} starts from its checkpoint at {_iso(at)}" for camera, at in said.since.items()
    ]
    lines += [
        f"{camera} starts without a checkpoint at the oldest detections kept: what was open then "
        "is not known, so the first minutes may differ from live"
        for camera in said.inexact
    ]
    lines += [
        f"{count} inputs were refused as live would: {reason}"
        for reason, count in sorted(said.refused.items())
    ]
    return lines


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


class RunningConfigs:
    """The configurations that the site has run, by version."""

    def __init__(self, bootstrap: str) -> None:
        self._store = ConfigStore(bootstrap)

    def close(self) -> None:
        """Stop following."""
        self._store.close()

    def latest(self, cameras: Sequence[str] = ()) -> SiteConfig:
        """Return the one in force, or the last that has all these cameras if that has not.

        Raises:
            Retryable: the site has none yet.
        """
        found = self._store.latest().site
        if set(cameras) <= set(found.cameras):
            return found
        for version in reversed(self._store.versions()):
            earlier = self._store.get(version)
            if set(cameras) <= set(earlier.cameras):
                return earlier
        return found

    def get(self, version: int) -> SiteConfig:
        """Return one version.

        Raises:
            Rejected: it is not kept.
        """
        try:
            return self._store.get(version, _ENOUGH_S)
        except Retryable as error:
            raise Rejected(str(error), reason="unknown-config-version") from error

    def judging_by(self, other: SiteConfig) -> Configs:
        """Return another configuration for every version, armed as the site was under it."""

        def get(version: int) -> SiteConfig:
            try:
                return other.armed_in(self.get(version).modes)
            except Rejected:
                # In which modes the site was then is not kept.
                return other

        return get


def moment(text: str) -> int:
    """Read an ISO time, UTC where it names no zone, as UTC ms.

    Raises:
        Rejected: it is none.

    >>> moment("1970-01-01T00:00:01.5")
    1500
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Rejected(f"{text!r} is not an ISO time such as 2026-11-24T07:30:00Z") from error
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return math.floor(found.timestamp() * 1000 + 0.5)


def stretch_of(start: str, until: str | None) -> Stretch:
    """Read ``--from`` and ``--to``.

    Raises:
        Rejected: one is no time, or the end lies before the beginning.
    """
    found = Stretch(moment(start), NEVER if until is None else moment(until))
    if found.until <= found.start:
        raise Rejected(f"--to {until} does not lie after --from {start}: exchange them")
    return found
