from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Matched, Sensed
from streams.core.match import MatchPlan, evicted, new_state, step, version_for
from streams.core.rules import merge
from tests.unit.streams.core.rules.scenario import (
    SITE,
    configuration,
    ids,
    matched,
    report,
    sensed,
    term,
    trigger,
)

KEY = f"site/{SITE}"
ACROSS = {"when": {"sequence": [term("door"), term("hatch")], "within_s": 5}}


def gate(n: int, at: int, *triggers: Any, **more: Any) -> Sensed:
    return sensed(n, at, triggers, key="gate", **more)


def yard(n: int, at: int, *triggers: Any, **more: Any) -> Sensed:
    return sensed(n, at, triggers, key="yard", **more)


def door(at: int, track: str = "a") -> Any:
    return trigger("door", at, track)


def hatch(at: int, track: str = "b") -> Any:
    return trigger("hatch", at, track, camera="yard")


def found(outputs: list[Matched]) -> list[tuple[str, ...]]:
    return [one for output in outputs for one in ids(output.candidates)]


def test_what_is_known_below_the_lowest_time_is_judged_in_the_order_of_time() -> None:
    inputs = [
        gate(0, 0),
        yard(0, 0),
        yard(1, 2000, hatch(2000)),
        gate(1, 1000, door(1000)),
        gate(2, 2000),
    ]
    config = configuration(rule=ACROSS)
    assert found(matched(config, inputs, key=KEY)) == []
    inputs += [yard(2, 2001), gate(3, 2001)]
    (output,) = matched(config, inputs, key=KEY)
    assert found([output]) == [("door@1000", "hatch@2000")]
    assert (output.at, output.candidates[0].camera, output.candidates[0].track) == (
        2001,
        "yard",
        "b",
    )


def test_a_camera_leaves_with_an_offline_beat_and_returns_with_its_next_epoch() -> None:
    plan = MatchPlan.compile(configuration(rule=ACROSS), KEY, 1)
    state = new_state(SITE, KEY)

    def reach(one: Sensed) -> int | None:
        nonlocal state
        state, _ = step(state, one, plan)
        return state.clock

    assert reach(gate(0, 100)) == 100
    assert reach(yard(0, 50)) == 100
    assert reach(gate(1, 900)) == 100
    assert reach(yard(1, 200, beat="stalled")) == 200
    assert reach(yard(2, 300, beat="offline")) == 900
    assert reach(yard(3, 400, beat="online")) == 900
    assert reach(gate(2, 1000)) == 1000
    assert reach(yard(4, 1100, epoch_at=1100)) == 1000
    assert reach(gate(3, 1300)) == 1100


def test_with_every_camera_away_time_still_moves() -> None:
    plan = MatchPlan.compile(configuration(rule=ACROSS), KEY, 1)
    state = new_state(SITE, KEY)
    for one in (gate(0, 10, door(10)), gate(1, 20, beat="offline"), gate(2, 990, beat="offline")):
        state, matching = step(state, one, plan)
    assert matching.matched is not None
    assert (matching.matched.at, matching.matched.beat, matching.matched.key) == (
        990,
        "offline",
        KEY,
    )


def test_what_comes_from_before_the_watermark_counts_as_known_now() -> None:
    rule = {"when": term("hatch"), "group": {"by": "site"}}
    inputs = [gate(0, 0), gate(1, 5000), yard(0, 5100, hatch(3000)), gate(2, 6000)]
    both = {"when": {"any": [term("door"), term("hatch")]}, "group": {"by": "site"}}
    (output,) = matched(configuration(rule=rule, both=both), inputs, key=KEY)
    assert [(one.matched_at, one.known_at) for one in output.candidates] == [(3000, 5000)] * 2


def test_reports_wait_for_the_watermark() -> None:
    inputs = [gate(0, 0), yard(0, 0), gate(1, 50, reports=[report("a", 50)]), yard(1, 60)]
    config = configuration(rule=ACROSS)
    assert matched(config, inputs, key=KEY) == []
    (output,) = matched(config, [*inputs, gate(2, 60)], key=KEY)
    assert [one.track for one in output.reports] == ["a"]


def test_the_lowest_version_among_the_cameras_is_asked_for() -> None:
    plan = MatchPlan.compile(configuration(rule=ACROSS), KEY, 1)
    state = new_state(SITE, KEY)
    state, _ = step(state, gate(0, 0, version=4), plan)
    state, _ = step(state, yard(0, 0, version=3), plan)
    assert version_for(state, gate(1, 1, version=5)) == 3
    assert version_for(state, yard(1, 1, version=5)) == 4


def test_a_camera_that_no_rule_names_any_more_is_forgotten_in_time() -> None:
    plan = MatchPlan.compile(configuration(rule=ACROSS), KEY, 1)
    state = new_state(SITE, KEY)
    for one in (sensed(0, 5, key="old"), gate(0, 5), gate(1, merge.FORGET_MS + 5)):
        state, _ = step(state, one, plan)
        assert sorted(state.members) == (["old"] if one.key == "old" else ["gate", "old"])
    state, _ = step(state, gate(2, merge.FORGET_MS + 6), plan)
    assert sorted(state.members) == ["gate"]


def test_numbers_are_counted_for_each_camera() -> None:
    plan = MatchPlan.compile(configuration(rule=ACROSS), KEY, 1)
    state = new_state(SITE, KEY)
    dropped = []
    for one in (gate(7, 1), yard(3, 1), gate(7, 1), yard(4, 2), gate(6, 1)):
        state, matching = step(state, one, plan)
        dropped.append(matching.dropped)
    assert dropped == [None, None, "repeat", None, "repeat"]


def test_a_camera_that_lags_cannot_hold_everything_back(monkeypatch: Any) -> None:
    monkeypatch.setattr(merge, "WAITING_LIMIT", 10)
    plan = MatchPlan.compile(configuration(rule=ACROSS), KEY, 1)
    state = new_state(SITE, KEY)
    state, _ = step(state, yard(0, 0), plan)
    for n in range(30):
        state, _ = step(state, gate(n, n, door(n)), plan)
    assert evicted(state) == 1
    assert state.clock is not None and state.clock > 5
    assert len(state.members["gate"].triggers) <= 10


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_the_interleaving_of_cameras_changes_nothing(data: Any) -> None:
    end = 60_000
    starts = [gate(0, 0), yard(0, 0)]
    queues: dict[str, list[Sensed]] = {"gate": [], "yard": []}
    for camera, make, one in (("gate", gate, door), ("yard", yard, hatch)):
        gaps = data.draw(st.lists(st.sampled_from([0, 1, 500, 2000]), max_size=6))
        at = 0
        for n, gap in enumerate(gaps, start=1):
            at += gap
            queues[camera].append(make(n, at, one(at, f"{camera}{n}")))
        queues[camera].append(make(99, end, beat="online"))
    order = data.draw(st.permutations([c for c, queue in queues.items() for _ in queue]))
    left = {camera: iter(queue) for camera, queue in queues.items()}
    shuffled = [next(left[camera]) for camera in order]
    together = {"all": [term("door"), term("hatch")], "within_s": 3}
    config = configuration(
        rule=ACROSS,
        all={"when": together},
        each={"when": {"any": [term("door"), term("hatch")]}, "group": {"by": "site"}},
    )
    straight = matched(config, [*starts, *queues["gate"], *queues["yard"]], key=KEY)
    mixed = matched(config, [*starts, *shuffled], key=KEY, revive=True)
    assert [one for o in mixed for one in o.candidates] == [
        one for o in straight for one in o.candidates
    ]
