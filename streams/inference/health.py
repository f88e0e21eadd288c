"""What detect says of itself and of each camera on ``up.health``. Pure: times are handed in.

Capture tells that a camera sends; whether its pictures are looked at is told here, in a record of
its own (``<site>/<camera>/detect``), so that a camera whose model is missing is not taken for well.
A change is told at once, else each minute.

States of a camera: ``analysed``, ``failing`` (a model is missing or fails on it), ``waiting`` (no
model server answers), ``overloaded`` (frames are left out) and ``idle`` (it sends none).
States of the process: ``running``, ``failing``, ``waiting``, ``overloaded``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.records import Health, Look

EVERY_S = 60.0
_FAILURES = 3
"""One bad picture is no failing model."""
_OVERLOAD_S = 10.0
"""So long after a frame was left out the camera counts as overloaded."""
_IDLE_S = 30.0
_PATIENCE_S = 2.0
"""A wait this short is not worth a word."""
_MAX_CAMERAS = 2048


@dataclass(slots=True)
class Told:
    """What the last record said, and when."""

    state: tuple[str, str | None] | None = None
    at_s: float = float("-inf")
    frames: int = 0
    revision: int = 0


@dataclass(slots=True)
class Sight:
    """How well one camera is looked at."""

    frames: int = 0
    dropped: int = 0
    failed: int = 0
    seen_s: float = float("-inf")
    """When its latest frame was dealt with."""
    left_out_s: float = float("-inf")
    failures: dict[str, int] = field(default_factory=dict)
    """In a row, of each model."""
    reasons: dict[str, str] = field(default_factory=dict)
    told: Told = field(default_factory=Told)

    def state(self, now_s: float) -> tuple[str, str | None]:
        """Return the state and its reason."""
        if now_s - self.seen_s > _IDLE_S:
            return "idle", None
        bad = [model for model, count in self.failures.items() if count >= _FAILURES]
        if bad:
            return "failing", "; ".join(f"{m or 'frame'}: {self.reasons[m]}" for m in sorted(bad))
        if now_s - self.left_out_s < _OVERLOAD_S:
            return "overloaded", "frames come faster than the models answer"
        return "analysed", None


class HealthBook:
    """What is known of the process and of its cameras.

    Args:
        site: their site.
        process: name of this process.
    """

    def __init__(self, site: str, process: str) -> None:
        self._site = site
        self._process = process
        self._told = Told()
        self._cameras: dict[str, Sight] = {}
        self._waiting: dict[str, tuple[float, str]] = {}

    def looked(self, camera: str, looks: Iterable[Look], now_s: float) -> None:
        """Note what became of a frame, by each model that was due."""
        sight = self._cameras.pop(camera, None) or Sight()
        self._cameras[camera] = sight
        while len(self._cameras) > _MAX_CAMERAS:
            del self._cameras[next(iter(self._cameras))]
        sight.seen_s = now_s
        outcomes = set()
        for look in looks:
            outcomes.add(look.outcome)
            if look.outcome == "ok":
                sight.failures.pop(look.model, None)
            elif look.reason == "overload":
                sight.left_out_s = now_s
            else:
                sight.failures[look.model] = sight.failures.get(look.model, 0) + 1
                sight.reasons[look.model] = look.reason or look.outcome
        sight.frames += "ok" in outcomes
        sight.failed += "ok" not in outcomes and "failed" in outcomes
        sight.dropped += outcomes == {"dropped"}

    def waits(self, cameras: Mapping[str, str], now_s: float) -> None:
        """Note that frames of these cameras, and of no others, wait for an answer, and why."""
        before = self._waiting
        self._waiting = {
            camera: (before.get(camera, (now_s, ""))[0], reason)
            for camera, reason in cameras.items()
        }
        if before and not self._waiting:
            # Meanwhile no camera's frames were read.
            for sight in self._cameras.values():
                sight.seen_s = now_s

    def due(
        self,
        problem: str | None,
        overloaded: bool,
        now_s: float,
        now_at: int,
        *,
        remark: str | None = None,
    ) -> list[Health]:
        """Return the records that are to be written now; they count as written.

        Args:
            problem: what is wrong with the process as a whole.
            overloaded: frames are being left out.
            now_s: a clock that never goes back.
            now_at: the host's clock, UTC ms.
            remark: what is wrong though all goes on, such as one server of several.
        """
        return [
            *self._of_process(problem, overloaded, remark, now_s, now_at),
            *self._of_cameras(now_s, now_at),
        ]

    def _of_process(
        self,
        problem: str | None,
        overloaded: bool,
        remark: str | None,
        now_s: float,
        now_at: int,
    ) -> Iterator[Health]:
        waiting = self._long_waiting(now_s)
        reason: str | None
        if waiting:
            state, reason = "waiting", problem or next(iter(waiting.values()))
        elif problem and not self._waiting:
            state, reason = "failing", problem
        else:
            state, reason = "overloaded" if overloaded else "running", remark
        sights = self._cameras.values()
        counted = Sight(
            frames=sum(one.frames for one in sights),
            dropped=sum(one.dropped for one in sights),
            failed=sum(one.failed for one in sights),
            told=self._told,
        )
        name = self._process
        yield from self._record(
            "process", name, f"process/{name}", counted, state, reason, now_s, now_at
        )

    def _of_cameras(self, now_s: float, now_at: int) -> Iterator[Health]:
        waiting = self._long_waiting(now_s)
        for camera in waiting:
            self._cameras.setdefault(camera, Sight())
        for camera, sight in list(self._cameras.items()):
            state, reason = sight.state(now_s)
            if camera in waiting:
                state, reason = "waiting", waiting[camera]
            elif self._waiting:
                continue
            yield from self._record(
                "camera", camera, f"{camera}/detect", sight, state, reason, now_s, now_at
            )
            if state == "idle":
                del self._cameras[camera]

    def _long_waiting(self, now_s: float) -> Mapping[str, str]:
        return {
            camera: reason
            for camera, (since_s, reason) in self._waiting.items()
            if now_s - since_s >= _PATIENCE_S
        }

    def _record(
        self,
        kind: Literal["camera", "process"],
        name: str,
        key: str,
        sight: Sight,
        state: str,
        reason: str | None,
        now_s: float,
        now_at: int,
    ) -> Iterator[Health]:
        told = sight.told
        if told.state == (state, reason) and now_s - told.at_s < EVERY_S:
            return
        passed_s = now_s - told.at_s
        rate = (sight.frames - told.frames) / passed_s if 0 < passed_s < 1e6 else None
        told.revision = max(told.revision + 1, now_at)
        told.state, told.at_s, told.frames = (state, reason), now_s, sight.frames
        yield Health(
            health_id=f"{self._site}/{key}",
            site=self._site,
            kind=kind,
            name=name,
            state=state,
            reason=reason,
            at=now_at,
            frames_per_s=None if rate is None else round(rate, 2),
            frames=sight.frames,
            dropped=sight.dropped,
            details=json.dumps({"failed": sight.failed, "failing": sorted(sight.failures)}),
            revision=told.revision,
        )
