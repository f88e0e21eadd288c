"""Modes change at one time for all, however records come and wherever a state was restored."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from schemas.records import Sensed
from schemas.site import SiteConfig
from streams.core.match import MatchPlan, new_state, step, version_for
from tests.unit.streams.core.rules.scenario import (
    SITE,
    configuration,
    revived,
    sensed,
    term,
    trigger,
)

DOOR = {"when": term("door"), "armed": ["away"]}
QUIET = {"when": {"absent": term("door"), "for_s": 1}, "armed": ["away"]}


def fired(
    versions: Sequence[SiteConfig], inputs: Sequence[Sensed], key: str = "gate"
) -> list[tuple[str, int]]:
    """Return (rule, t) of the candidates; the index in ``versions`` is the version."""
    state, found = new_state(SITE, key), []
    for one in inputs:
        version = version_for(state, one)
        plan = MatchPlan.compile(versions[version], key, version)
        state, matching = step(revived(state), one, plan)
        if matching.matched is not None:
            found += [(one.rule, one.matched_at) for one in matching.matched.candidates]
    return found


def crossing(n: int, at: int, version: int, key: str = "gate") -> Sensed:
    sensor = {"gate": "door", "yard": "hatch"}[key]
    return sensed(n, at, [trigger(sensor, at, camera=key)], version=version, key=key)


def test_the_modes_of_a_version_hold_from_its_first_record_on() -> None:
    config = configuration(door=DOOR)
    versions = [config, config.armed_in(["away"]), config.armed_in(["home"])]
    inputs = [crossing(n, 100 * n, n // 2) for n in range(6)]
    assert fired(versions, inputs) == [("door", 200), ("door", 300)]


@pytest.mark.parametrize("beats", [(), (900, 1000), (500, 950, 1001, 1099)])
def test_a_deadline_before_the_boundary_is_judged_in_the_modes_of_before(
    beats: tuple[int, ...],
) -> None:
    config = configuration(quiet=QUIET)
    versions = [config.armed_in(["away"]), config]
    times = [(0, 0), *((at, 0) for at in beats), (1100, 1), (2500, 1)]
    inputs = [
        sensed(n, at, beat="online", version=version) for n, (at, version) in enumerate(times)
    ]
    assert fired(versions, inputs) == [("quiet", 1000)]
    late = trigger("lawn", 950, kind="dwelled", known_at=950)
    told = sensed(1, 1100, [late], version=1)
    lawn = configuration(lawn={"when": term("lawn", "dwelled"), "armed": ["away"]})
    two = [lawn.armed_in(["away"]), lawn]
    assert fired(two, [sensed(0, 0, beat="online"), told][1:]) == []
    assert fired(two, [sensed(0, 0, beat="online", version=0), told]) == [("lawn", 950)]


def test_across_cameras_the_last_one_decides_whatever_the_order_of_their_records() -> None:
    either = {"when": {"any": [term("door"), term("hatch")]}, "armed": ["away"]}
    config = configuration(either=either)
    versions = [config, config.armed_in(["away"])]
    gate = [crossing(n, at, int(at >= 300)) for n, at in enumerate((0, 100, 300, 350, 450, 900))]
    yard = [
        crossing(n, at, int(at >= 400), "yard") for n, at in enumerate((0, 110, 310, 400, 460, 900))
    ]
    for order in ("gygygygygygy", "gygggggyyyyy", "gyyyyyyggggg", "ygyyggyyggyg", "gyyggyggyyyg"):
        cameras = {"g": iter(gate), "y": iter(yard)}
        found = fired(versions, [next(cameras[name]) for name in order], f"site/{SITE}")
        assert found == [("either", 400), ("either", 450), ("either", 460)], order


def test_a_state_without_a_past_takes_the_modes_that_hold() -> None:
    config = configuration(door=DOOR).armed_in(["away"])
    assert fired([config], [crossing(0, 5, 0)]) == [("door", 5)]


def test_a_mode_belongs_to_no_file_and_changes_nothing_in_it() -> None:
    config = configuration(door=DOOR)
    armed = config.armed_in(["away"])
    assert (config.modes, armed.modes) == ((), ("away",))
    assert armed.model_dump() == config.model_dump()
    assert config.known_modes() == {"away"}
