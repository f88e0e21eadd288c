"""What a configuration asks of the core, and what a change of it leaves standing."""

from typing import Any

import pytest

from schemas.errors import Rejected
from schemas.records import Reading, Trigger
from schemas.site import parse, sensors
from streams.core.sense import CameraPlan, new_state, step
from streams.core.sensors import registry
from tests.unit.streams.core.sensing.scene import (
    CAMERA,
    PARTITION,
    SITE,
    brief,
    frame,
    numbered,
    plan,
    sense,
    standing,
    triggers,
)

LAWN: dict[str, Any] = {
    "kind": "zone",
    "points": [[0.3, 0.1], [0.9, 0.1], [0.9, 0.9], [0.3, 0.9]],
    "dwell_s": 2,
}
DOOR: dict[str, Any] = {"kind": "line", "points": [[0.5, 0.1], [0.5, 0.9]]}


def test_every_kind_that_a_site_may_name_is_there() -> None:
    assert sensors.KINDS.keys() == registry.KINDS.keys()


def test_speed_is_that_over_the_ground_during_the_last_second() -> None:
    corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
    ground = {"image": corners, "metres": [[0, 0], [10, 0], [10, 10], [0, 10]]}

    def entered(limits: dict[str, float]) -> int:
        compiled = plan({"lawn": LAWN | {"dwell_s": None, "speed": limits}}, ground=ground)
        walk = [frame(at, [standing(0.1 + at / 10_000, 0.6)]) for at in range(0, 5001, 200)]
        _, found = sense(numbered(walk), compiled)
        return [item.trigger for item in triggers(found)].count("entered")

    # A tenth of the picture a second is a metre a second.
    assert [entered({"above": 0.9}), entered({"above": 1.1})] == [1, 0]
    assert [entered({"below": 1.1}), entered({"below": 0.9})] == [1, 0]


def test_a_new_ground_begins_anew_what_is_in_metres_and_nothing_else() -> None:
    corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
    wanted = {"lawn": LAWN | {"speed": {"above": 2}}, "door": DOOR}
    first = plan(wanted, ground={"image": corners, "metres": corners})
    second = plan(wanted, ground={"image": corners, "metres": [[0, 0], [9, 0], [9, 9], [0, 9]]})
    assert first.digests["lawn"] != second.digests["lawn"]
    assert first.digests["door"] == second.digests["door"]


def test_a_camera_that_is_not_there_is_refused_by_name() -> None:
    config = parse("{version: 1, site: a, cameras: {gate: {source: 'synthetic:walkers'}}}")
    with pytest.raises(Rejected, match="no camera 'yard'; it has gate"):
        CameraPlan.compile(config, "yard", 1)


def test_digests_follow_the_definition_and_nothing_else() -> None:
    first = plan({"lawn": LAWN, "door": DOOR})
    second = plan({"lawn": LAWN | {"leave_after_s": 1.0}, "door": DOOR | {"rearm": 0.2}}, version=2)
    assert first.digests["lawn"] == second.digests["lawn"]
    assert first.digests["door"] != second.digests["door"]


def _change(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, int, int, int]]:
    """Stand in the zone for 4 s; the configuration changes after 1 s."""
    state = new_state(SITE, CAMERA)
    told: list[Trigger] = []
    old, new = plan(before), plan(after, version=2)
    readings: list[Reading] = [frame(at, [standing(0.45, 0.6)]) for at in range(0, 4001, 200)]
    for reading in numbered(readings):
        state, sensing = step(state, reading, PARTITION, new if reading.offset > 5 else old)
        told += sensing.sensed.triggers if sensing.sensed else []
    assert len(state.tracks) == 1
    assert {item.track for item in told} == {state.tracks[0].track_id}
    return brief(told)


def test_a_sensor_defined_as_before_keeps_its_state_through_a_change() -> None:
    assert _change({"lawn": LAWN}, {"lawn": LAWN, "door": DOOR}) == [
        ("lawn", "entered", 0, 0, 400),
        ("lawn", "dwelled", 2000, 0, 2000),
    ]


@pytest.mark.parametrize("before", [{"lawn": LAWN | {"dwell_s": 1.9}}, {"gone": LAWN}])
def test_a_changed_or_new_sensor_starts_afresh_with_the_tracks_there_are(
    before: dict[str, Any],
) -> None:
    assert _change(before, {"lawn": LAWN})[1:] == [
        ("lawn", "entered", 1200, 1200, 1200),
        ("lawn", "dwelled", 3200, 1200, 3200),
    ]


def test_outputs_carry_the_version_they_were_judged_under() -> None:
    state, versions = new_state(SITE, CAMERA), []
    for reading in numbered(frame(at, [standing(0.45, 0.6)]) for at in range(0, 4001, 200)):
        compiled = plan({"lawn": LAWN}, version=7 if reading.offset > 5 else 3)
        state, sensing = step(state, reading, PARTITION, compiled)
        if sensing.sensed:
            versions += [item.config_version for item in sensing.sensed.triggers]
    assert versions == [3, 7]
