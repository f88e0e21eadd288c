from __future__ import annotations

from typing import Any

import pytest

from streams.core.match import MatchPlan, finish, new_state, step
from tests.unit.streams.core.rules.scenario import (
    SITE,
    candidates,
    configuration,
    ids,
    records,
    sensed,
    term,
    trigger,
)

HOUR = 3_600_000


def absent(part: dict[str, Any], for_s: float) -> dict[str, Any]:
    return {"absent": part, "for_s": for_s}


LEFT_ALONE = {
    "sequence": [term("lawn", "dwelled"), absent(term("door"), 60)],
    "within_s": 90,
}


def dwelled(at: int, track: str = "a", known_at: int | None = None) -> Any:
    return trigger("lawn", at, track, kind="dwelled", known_at=known_at)


def test_it_completes_for_s_after_what_stands_before_it() -> None:
    (found,) = candidates(LEFT_ALONE, [dwelled(1000)], beats=[61_000])
    assert (found.matched_at, found.known_at) == (61_000, 61_000)
    assert (found.sensor, found.track, ids([found])) == ("lawn", "a", [("lawn@1000",)])


def test_it_runs_on_known_times() -> None:
    (found,) = candidates(LEFT_ALONE, [dwelled(1000, known_at=1400)], beats=[200_000])
    assert found.known_at == 61_400


@pytest.mark.parametrize(("at", "matches"), [(60_999, 0), (61_000, 1), (1_000, 0), (999, 1)])
def test_what_comes_breaks_it_until_the_deadline_exclusively(at: int, matches: int) -> None:
    triggers = [dwelled(1000), trigger("door", at)]
    assert len(candidates(LEFT_ALONE, triggers, beats=[200_000])) == matches


def test_it_does_not_complete_before_time_has_reached_the_deadline() -> None:
    assert candidates(LEFT_ALONE, [dwelled(1000)], beats=[60_999]) == []


def test_every_beginning_is_waited_out_by_itself() -> None:
    triggers = [dwelled(1000, "a"), dwelled(1000, "b"), dwelled(5000, "c")]
    found = candidates(LEFT_ALONE, triggers, beats=[200_000])
    assert [(one.track, one.known_at) for one in found] == [
        ("a", 61_000),
        ("b", 61_000),
        ("c", 65_000),
    ]


def test_with_same_track_only_that_track_breaks_it() -> None:
    when = {**LEFT_ALONE, "same_track": True}
    assert len(candidates(when, [dwelled(0), trigger("door", 9, "b")], beats=[90_000])) == 1
    assert candidates(when, [dwelled(0), trigger("door", 9, "a")], beats=[90_000]) == []


def test_within_s_holds_for_what_follows_an_absence() -> None:
    parts = [term("lawn", "dwelled"), absent(term("door"), 60), term("path")]
    when = {"sequence": parts, "within_s": 90}
    assert ids(candidates(when, [dwelled(0), trigger("path", 89_999)])) == [
        ("lawn@0", "path@89999")
    ]
    assert candidates(when, [dwelled(0), trigger("path", 90_000)]) == []
    assert candidates(when, [dwelled(0), trigger("path", 59_999)], beats=[80_000]) == []


def test_among_all_it_begins_once_its_siblings_hold() -> None:
    when = {"all": [term("door"), absent(term("path"), 5), term("lawn", "entered")], "within_s": 20}
    entered = trigger("lawn", 4000, kind="entered")
    before = [trigger("door", 1000), trigger("path", 3000), entered]
    (found,) = candidates(when, before, beats=[30_000])
    assert (found.known_at, ids([found])) == (9000, [("door@1000", "lawn@4000")])
    assert candidates(when, [*before, trigger("path", 8999)], beats=[30_000]) == []
    late = {**when, "within_s": 8}
    assert candidates(late, before, beats=[30_000]) == []


def test_several_absences_among_all_complete_with_the_longest() -> None:
    parts = [term("lawn", "dwelled"), absent(term("path"), 5), absent(term("door"), 2)]
    when = {"all": parts, "within_s": 20}
    (found,) = candidates(when, [dwelled(0), trigger("door", 3000)], beats=[9000])
    assert found.known_at == 5000
    assert candidates(when, [dwelled(0), trigger("door", 1000)], beats=[9000]) == []
    assert candidates(when, [dwelled(0), trigger("path", 3000)], beats=[9000]) == []


def test_alone_it_begins_with_the_first_record_and_at_each_trigger_and_completion() -> None:
    triggers = [trigger("door", 25_000)]
    found = candidates(absent(term("door"), 10), triggers, beats=[50_000], start=1000)
    assert [one.matched_at for one in found] == [11_000, 21_000, 35_000, 45_000]
    assert len({one.candidate_id for one in found}) == 4
    first = found[0]
    assert (first.camera, first.sensor, first.track, first.score) == ("gate", "door", None, 1.0)
    assert first.triggers == ()


def test_alone_it_begins_with_the_schedules_window() -> None:
    when = absent(term("door"), 600)
    noon = ["12:00-12:30"]
    beats = [11 * HOUR, 13 * HOUR, 36 * HOUR + 11 * 60_000]
    found = candidates(when, [], beats=beats, schedule=noon)
    minutes = [one.matched_at // 60_000 for one in found]
    assert minutes == [12 * 60 + 10, 12 * 60 + 20, 36 * 60 + 10]
    broken = [trigger("door", 12 * HOUR - 1), trigger("door", 12 * HOUR + 5 * 60_000)]
    found = candidates(when, broken, beats=beats[:2], schedule=noon)
    assert [one.matched_at // 60_000 for one in found] == [12 * 60 + 15, 12 * 60 + 25]


def test_alone_in_a_window_already_open_it_begins_with_the_first_record() -> None:
    start = 12 * HOUR + 60_000
    found = candidates(
        absent(term("door"), 600), [], beats=[13 * HOUR], start=start, schedule=["12:00-12:15"]
    )
    assert [one.matched_at for one in found] == [start + 600_000]


def test_alone_it_does_not_go_on_between_windows() -> None:
    minute = 60_000
    noon = 12 * HOUR
    when = {"sequence": [absent(term("door"), 60), term("path")], "within_s": 300}
    windows = ["12:00-12:10", "12:12-12:30"]
    start = noon + 9 * minute + 30_000
    early = [trigger("path", noon + 12 * minute + 5000)]
    assert candidates(when, early, start=start, schedule=windows) == []
    late = [trigger("path", noon + 13 * minute)]
    assert len(candidates(when, late, start=start, schedule=windows)) == 1


def test_first_in_a_sequence_it_begins_by_itself() -> None:
    when = {"sequence": [absent(term("door"), 10), term("path")], "within_s": 15}
    assert ids(candidates(when, [trigger("path", 14_999)])) == [("path@14999",)]
    assert candidates(when, [trigger("door", 6000), trigger("path", 15_000)]) == []


def test_an_absence_of_a_sequence() -> None:
    knock = {"sequence": [term("door"), term("door")], "within_s": 2}
    when = {"sequence": [term("path"), absent(knock, 10)], "within_s": 20}
    once = [trigger("path", 0), trigger("door", 1000), trigger("door", 3000)]
    assert len(candidates(when, once, beats=[20_000])) == 1
    twice = [trigger("path", 0), trigger("door", 1000), trigger("door", 2999)]
    assert candidates(when, twice, beats=[20_000]) == []


def test_it_does_not_complete_after_the_last_frame_of_a_replay() -> None:
    config = configuration(
        rule={"when": LEFT_ALONE}, left={"when": term("lawn", "left")}, gone={"when": LEFT_ALONE}
    )
    plan = MatchPlan.compile(config, "gate", 1)
    state = new_state(SITE, "gate")
    for one in records([dwelled(0)], beats=[59_000]):
        state, _ = step(state, one, plan)
    state = finish(state)
    late = [trigger("lawn", 61_000, kind="left"), trigger("lawn", 61_500, kind="dwelled")]
    state, matching = step(state, sensed(10, 62_000, late), plan)
    assert matching.matched is not None
    assert [one.rule for one in matching.matched.candidates] == ["left"]
    state, matching = step(state, sensed(11, 999_000, beat="online"), plan)
    assert matching.matched is not None and matching.matched.candidates == ()


@pytest.mark.parametrize(
    "when",
    [
        LEFT_ALONE,
        {
            "sequence": [term("lawn", "dwelled"), {"any": [absent(term("door"), 60)]}],
            "within_s": 90,
        },
        {"all": [term("lawn", "dwelled"), absent(term("door"), 60)], "within_s": 90},
    ],
)
def test_what_is_broken_is_forgotten(when: dict[str, Any]) -> None:
    plan = MatchPlan.compile(configuration(rule={"when": when}), "gate", 1)
    state = new_state(SITE, "gate")
    for one in records([dwelled(1000), trigger("door", 2000)], beats=[3000]):
        state, _ = step(state, one, plan)
        if one.at == 1000:
            assert len(state.rules["rule"].triggers) == 1
    assert state.rules["rule"].triggers == {}


def test_a_long_silence_cannot_flood() -> None:
    found = candidates(absent(term("door"), 0.001), [], beats=[HOUR, HOUR + 3])
    assert 900 < len(found) < 1010
    assert [one.matched_at for one in found[-3:]] == [HOUR + 1, HOUR + 2, HOUR + 3]
