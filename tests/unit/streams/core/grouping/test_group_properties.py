from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.records import Decision, Event
from tests.unit.streams.core.grouping.deciding import PLAIN, decision, grouped

STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 400, 1000, 2000, 3000]),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["one", "two"]),
        st.sampled_from(["accepted", "suppressed"]),
        st.floats(0, 1),
    ),
    max_size=14,
)
BEATS = st.lists(st.integers(0, 20_000), max_size=8)
RULES: dict[str, Any] = {
    "one": {**PLAIN, "group": {"by": "track", "within_s": 1}, "cooldown_s": 2},
    "two": {**PLAIN, "group": {"within_s": 3}},
}
END = 90_000


def story(steps: list[Any]) -> list[Decision]:
    at = 0
    made = []
    for i, (gap, track, rule, verdict, score) in enumerate(steps):
        at += gap
        made.append(decision(at, track, name=str(i), verdict=verdict, score=score, rule=rule))
    return made


@settings(max_examples=120, deadline=None)
@given(steps=STEPS, beats=BEATS)
def test_the_cadence_of_beats_changes_nothing(steps: list[Any], beats: list[int]) -> None:
    sparse = grouped(story(steps), [END], **RULES)
    dense = grouped(story(steps), [*beats, END], **RULES)
    assert dense == sparse


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, beats=BEATS)
def test_a_state_written_and_read_at_any_moment_goes_on_the_same(
    steps: list[Any], beats: list[int]
) -> None:
    straight = grouped(story(steps), [*beats, END], **RULES)
    assert grouped(story(steps), [*beats, END], revive=True, **RULES) == straight
    for event in straight.events:
        assert codec.decode(codec.encode(event)) == event
    for verdict in straight.verdicts:
        assert codec.decode(codec.encode(verdict)) == verdict


@settings(max_examples=120, deadline=None)
@given(steps=STEPS)
def test_events_live_one_life_each(steps: list[Any]) -> None:
    output = grouped(story(steps), [END], **RULES)
    lives: dict[str, list[Event]] = {}
    for event in output.events:
        lives.setdefault(event.event_id, []).append(event)
    for life in lives.values():
        assert [event.revision for event in life] == list(range(1, len(life) + 1))
        middle = ["updated"] * (len(life) - 2)
        assert [event.state for event in life] == ["opened", *middle, "closed"]
        within_ms = 1000 if life[0].rule == "one" else 3000
        assert life[-1].closed_at == life[-2].at + within_ms
    assert [v.candidate_id for v in output.verdicts] == [str(i) for i in range(len(steps))]
    accepted = [v.event_id for v in output.verdicts if v.verdict == "accepted"]
    assert len(accepted) == sum(event.state != "closed" for event in output.events)
    assert set(accepted) == set(lives)
