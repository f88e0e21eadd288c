from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Trigger
from tests.unit.streams.core.rules.scenario import candidates, ids, term, trigger


def sequence(*parts: dict[str, Any], within_s: float = 2, **more: Any) -> dict[str, Any]:
    return {"sequence": list(parts), "within_s": within_s, **more}


TAILGATING = sequence(term("door"), term("door"), same_track=False)


def test_in_order_only() -> None:
    when = sequence(term("door"), term("path"))
    assert ids(candidates(when, [trigger("path", 1), trigger("door", 2)])) == []
    assert ids(candidates(when, [trigger("door", 1), trigger("path", 2)])) == [("door@1", "path@2")]


@pytest.mark.parametrize(("later", "matches"), [(1999, 1), (2000, 0)])
def test_what_comes_exactly_at_within_s_is_too_late(later: int, matches: int) -> None:
    when = sequence(term("door"), term("path"))
    found = candidates(when, [trigger("door", 1000), trigger("path", 1000 + later)])
    assert len(found) == matches


def test_within_s_runs_on_known_times() -> None:
    when = sequence(term("door"), term("path"))
    apart_but_known_together = [trigger("door", 0, known_at=9000), trigger("path", 9500)]
    assert len(candidates(when, apart_but_known_together)) == 1
    together_but_known_apart = [trigger("door", 1000), trigger("path", 1500, known_at=3000)]
    assert candidates(when, together_but_known_apart) == []


@pytest.mark.parametrize(("first", "second"), [("door", "path"), ("path", "door")])
def test_equal_times_are_allowed_whatever_the_sensors_are_called(first: str, second: str) -> None:
    when = sequence(term(first), term(second))
    found = candidates(when, [trigger("door", 5, "a"), trigger("path", 5, "b")])
    assert ids(found) == [(f"{first}@5", f"{second}@5")]


def test_of_triggers_known_together_the_true_time_gives_the_order() -> None:
    triggers = [trigger("door", 4, known_at=9), trigger("path", 5, known_at=9)]
    assert len(candidates(sequence(term("door"), term("path")), triggers)) == 1
    assert candidates(sequence(term("path"), term("door")), triggers) == []


def test_same_track_true_false_and_indifferent() -> None:
    one, other = trigger("door", 1, "a"), trigger("path", 2, "b")
    same = trigger("path", 3, "a")
    parts = term("door"), term("path")
    assert ids(candidates(sequence(*parts, same_track=True), [one, other, same])) == [
        ("door@1", "path@3")
    ]
    assert ids(candidates(sequence(*parts, same_track=False), [one, same])) == []
    assert ids(candidates(sequence(*parts, same_track=False), [one, other])) == [
        ("door@1", "path@2")
    ]
    assert len(candidates(sequence(*parts), [one, same])) == 1


def test_same_track_false_compares_only_triggers_that_have_tracks() -> None:
    when = sequence(
        term("lens", "covered"), term("door"), term("lens", "restored"), same_track=False
    )
    triggers = [
        trigger("lens", 1, None, kind="covered"),
        trigger("door", 2, "a"),
        trigger("lens", 3, None, kind="restored"),
    ]
    assert len(candidates(when, triggers)) == 1


def test_same_track_true_needs_the_track_in_every_trigger() -> None:
    when = sequence(term("door"), term("lens", "covered"), same_track=True)
    assert candidates(when, [trigger("door", 1), trigger("lens", 2, None, kind="covered")]) == []


def test_a_trigger_completes_the_one_that_began_last_and_the_older_waits() -> None:
    when = sequence(term("door"), term("path"))
    triggers = [trigger("door", 1), trigger("door", 2), trigger("path", 3), trigger("path", 4)]
    assert ids(candidates(when, triggers)) == [("door@2", "path@3"), ("door@1", "path@4")]


def test_the_last_trigger_may_begin_the_next() -> None:
    triggers = [trigger("door", at, track) for at, track in ((1, "a"), (2, "b"), (3, "c"))]
    assert ids(candidates(TAILGATING, triggers)) == [("door@1", "door@2"), ("door@2", "door@3")]


def test_partial_matches_that_share_a_trigger_with_a_complete_one_are_dropped() -> None:
    when = sequence(term("door"), term("path"), term("door"))
    triggers = [trigger("door", 1), trigger("path", 2), trigger("door", 3), trigger("door", 4)]
    assert ids(candidates(when, triggers)) == [("door@1", "path@2", "door@3")]


def test_a_later_trigger_may_be_the_one_that_the_rest_fits() -> None:
    when = sequence(term("door"), term("path"), term("lawn", "entered"), same_track=False)
    triggers = [
        trigger("door", 1, "a"),
        trigger("path", 2, "b"),
        trigger("path", 3, "c"),
        trigger("lawn", 4, "b", kind="entered"),
    ]
    assert ids(candidates(when, triggers)) == [("door@1", "path@3", "lawn@4")]


def test_a_sequence_in_a_sequence_begins_after_what_stands_before_it() -> None:
    inner = sequence(term("path"), term("lawn", "entered"), within_s=1)
    when = sequence(term("door"), inner, within_s=5)
    entered = trigger("lawn", 900, kind="entered")
    assert candidates(when, [trigger("path", 100), trigger("door", 200), entered]) == []
    found = candidates(when, [trigger("door", 100), trigger("path", 200), entered])
    assert ids(found) == [("door@100", "path@200", "lawn@900")]
    late = trigger("lawn", 1200, kind="entered")
    assert candidates(when, [trigger("door", 100), trigger("path", 200), late]) == []


def test_the_schedule_asks_for_the_time_of_the_completing_trigger() -> None:
    noon = 12 * 3_600_000
    when = sequence(term("door"), term("path"))
    triggers = [
        trigger("door", noon - 500),
        trigger("door", noon - 400),
        trigger("path", noon - 1),
        trigger("path", noon),
    ]
    found = candidates(when, triggers, schedule=["12:00-13:00"])
    assert ids(found) == [(f"door@{noon - 500}", f"path@{noon}")]
    known_before = trigger("path", noon, known_at=noon - 1)
    assert len(candidates(when, [triggers[0], known_before], schedule=["12:00-13:00"])) == 1


def test_triggers_of_one_instant_keep_their_order_where_either_would_do() -> None:
    (found,) = candidates(TAILGATING, [trigger("door", 5, "b"), trigger("door", 5, "a")])
    assert [one.track for one in found.triggers] == ["a", "b"]


def test_a_trigger_used_up_is_not_taken_again_by_others_of_its_instant() -> None:
    when = sequence(term("path"), term("door"))
    triggers = [trigger("door", 5, "a"), trigger("path", 5, "b"), trigger("path", 5, "c")]
    (found,) = candidates(when, triggers)
    assert [one.track for one in found.triggers] == ["b", "a"]


def test_inside_another_a_sequence_uses_its_triggers_up_as_well() -> None:
    when = sequence(sequence(term("door"), term("path")), term("lawn", "entered"))
    entered = trigger("lawn", 4, kind="entered")
    triggers = [trigger("door", 1), trigger("path", 2), trigger("path", 3), entered]
    assert ids(candidates(when, triggers)) == [("door@1", "path@2", "lawn@4")]


def test_same_track_looks_into_the_parts() -> None:
    pair = sequence(term("path"), term("lawn", "entered"))
    first = [trigger("path", 1, "a"), trigger("lawn", 2, "b", kind="entered")]
    when = sequence(pair, term("door"), same_track=True)
    assert candidates(when, [*first, trigger("door", 3, "a")]) == []
    assert candidates(when, [*first, trigger("door", 3, "b")]) == []
    assert candidates(sequence(pair, same_track=True), first) == []
    later = [trigger("path", 4, "b"), trigger("lawn", 5, "b", kind="entered")]
    when = sequence(term("door"), pair, same_track=False)
    assert candidates(when, [trigger("door", 3, "a"), *later]) == []


def oracle(
    triggers: list[Trigger], sensors: tuple[str, ...], within_ms: int, same_track: bool | None
) -> list[tuple[str, ...]]:
    """The contract's sentences, by trying every subset of the triggers seen so far."""
    found: list[tuple[str, ...]] = []
    used: set[int] = set()
    may_begin: set[int] = set()
    for last in range(len(triggers)):
        best: tuple[int, ...] | None = None
        for chosen in combinations(range(last), len(sensors) - 1):
            match = (*chosen, last)
            tracks = [triggers[i].track for i in match]
            fits = all(triggers[i].sensor == s for i, s in zip(match, sensors, strict=True))
            fresh = not used.intersection(match[1:])
            begins = match[0] not in used or match[0] in may_begin
            in_time = triggers[last].known_at < triggers[match[0]].known_at + within_ms
            count = len(set(tracks))
            agree = same_track is None or count == (1 if same_track else len(tracks))
            ok = fits and fresh and begins and in_time and agree
            if ok and (best is None or match > best):
                best = match
        if best is not None:
            found.append(tuple(f"{triggers[i].sensor}@{triggers[i].triggered_at}" for i in best))
            used.update(best)
            may_begin.difference_update(best)
            may_begin.add(last)
    return found


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 700), st.sampled_from(["door", "path"]), st.sampled_from("abc")),
        max_size=9,
    ),
    sensors=st.lists(st.sampled_from(["door", "path"]), min_size=2, max_size=3).map(tuple),
    same_track=st.sampled_from([True, False, None]),
)
def test_agrees_with_trying_everything(
    steps: list[tuple[int, str, str]], sensors: tuple[str, ...], same_track: bool | None
) -> None:
    at = 0
    triggers = []
    for gap, sensor, track in steps:
        at += gap
        triggers.append(trigger(sensor, at, track))
    more = {} if same_track is None else {"same_track": same_track}
    when = sequence(*(term(sensor) for sensor in sensors), **more)
    assert ids(candidates(when, triggers)) == oracle(triggers, sensors, 2000, same_track)
