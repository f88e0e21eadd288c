from __future__ import annotations

import json
from typing import Any

from schemas.records import Reading
from schemas.site import SiteConfig
from streams.core import sense
from streams.core.sensing.state import CameraState
from streams.core.tracking.evidence import report

CONFIG = SiteConfig.model_validate(
    {
        "version": 1,
        "site": "s",
        "cameras": {"gate": {"source": "synthetic:walkers", "model": "yolox"}},
    }
)
SIDE = 0.1


def reading(seq: int, places: list[tuple[float, float]]) -> Reading:
    """A frame in which something is at each place (centre, normalised), five frames a second."""
    edges = [e for x, y in places for e in (x - SIDE / 2, y - SIDE / 2, x + SIDE / 2, y + SIDE / 2)]
    return Reading(
        kind="frame",
        camera="gate",
        offset=seq,
        epoch_at=0,
        seq=seq,
        at=200 * seq,
        config_version=1,
        state="online",
        still=False,
        outcome="ok",
        width=100,
        height=100,
        source_width=100,
        source_height=100,
        model="yolox",
        model_version="1",
        boxes=tuple(edges),
        scores=(0.8,) * len(places),
        labels=("person",) * len(places),
    )


def run(frames: dict[int, list[tuple[float, float]]], last: int) -> CameraState:
    plan = sense.CameraPlan.compile(CONFIG, "gate", 1)
    state = sense.new_state("s", "gate")
    for seq in sorted({0, *frames, *range(0, last + 1, 5), last}):
        state, _ = sense.step(state, reading(seq, frames.get(seq, [])), 0, plan)
    return state


def companies(state: CameraState) -> list[int]:
    reports = [report(track.track_id, track.evidence, track.frames) for track in state.tracks]
    details: list[dict[str, Any]] = [json.loads(one.details) for one in reports]
    return [one["company"] for one in details]


SPREAD = [(0.1, 0.2), (0.5, 0.8), (0.9, 0.4)]


def test_what_begins_all_over_the_picture_within_half_a_second_began_together() -> None:
    assert companies(run({30: SPREAD}, 30)) == [2, 2, 2]
    one, two, three = SPREAD
    assert companies(run({30: [one], 31: [one, two], 33: [one, two, three]}, 33)) == [1, 2, 1]


def test_what_comes_side_by_side_came_in_company() -> None:
    assert companies(run({30: [(0.4, 0.5), (0.55, 0.5)]}, 30)) == [0, 0]


def test_what_is_there_when_a_camera_begins_or_goes_on_says_nothing() -> None:
    assert companies(run({0: SPREAD}, 0)) == [0, 0, 0]
    plan = sense.CameraPlan.compile(CONFIG, "gate", 1)
    state = run({}, 30)
    state, _ = sense.step(state, reading(60, SPREAD), 0, plan)
    assert companies(state) == [0, 0, 0]
