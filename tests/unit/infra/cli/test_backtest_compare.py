"""Events of two runs, paired."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from infra.cli.backtest_compare import Raised, compare, counts, gather
from schemas.records import Event


def raised(
    name: str, opened_at: int, ended_at: int, rule: str = "entry", camera: str = "gate"
) -> Raised:
    return Raised(
        event_id=name,
        rule=rule,
        camera=camera,
        severity="alert",
        mode="live",
        class_name="person",
        score=0.8,
        opened_at=opened_at,
        ended_at=ended_at,
        triggers=1,
        candidates=(),
    )


def fates(before: list[Raised], after: list[Raised]) -> list[tuple[str, str | None, str | None]]:
    return [
        (
            found.fate,
            found.before.event_id if found.before else None,
            found.after.event_id if found.after else None,
        )
        for found in compare(before, after)
    ]


def test_equal_ids_are_the_same_event_wherever_they_lie() -> None:
    assert fates([raised("a", 0, 5)], [raised("a", 100, 105)]) == [("same", "a", "a")]


def test_overlap_of_one_rule_and_camera_is_the_same_event() -> None:
    assert fates([raised("a", 0, 5)], [raised("b", 4, 9)]) == [("same", "a", "b")]


def test_another_rule_camera_or_time_is_another_event() -> None:
    before = [raised("a", 0, 5)]
    for other in (
        raised("b", 0, 5, rule="exit"),
        raised("b", 0, 5, camera="yard"),
        raised("b", 6, 9),
    ):
        assert sorted(fates(before, [other])) == [("added", None, "b"), ("gone", "a", None)]


def test_the_longest_overlap_is_paired_first() -> None:
    before = [raised("a", 0, 10), raised("b", 9, 20)]
    after = [raised("c", 8, 20)]
    assert fates(before, after) == [("gone", "a", None), ("same", "b", "c")]


def test_what_has_become_part_of_another_event_says_so() -> None:
    before = [raised("a", 0, 5), raised("b", 8, 12), raised("d", 90, 95)]
    found = {c.event.event_id: c for c in compare(before, [raised("c", 0, 20)])}
    assert (found["c"].fate, found["b"].fate, found["b"].within) == ("same", "gone", "c")
    assert (found["d"].fate, found["d"].within) == ("gone", None)


events = st.lists(
    st.builds(
        lambda name, at, length, rule: raised(str(name), at, at + length, rule),
        st.integers(0, 30),
        st.integers(0, 100),
        st.integers(0, 20),
        st.sampled_from(["entry", "exit"]),
    ),
    unique_by=lambda found: found.event_id,
    max_size=12,
)


@given(events, events)
def test_every_event_has_one_fate(before: list[Raised], after: list[Raised]) -> None:
    found = compare(before, after)
    assert sorted(c.before.event_id for c in found if c.before) == sorted(
        r.event_id for r in before
    )
    assert sorted(c.after.event_id for c in found if c.after) == sorted(r.event_id for r in after)
    mirrored = {"added": "gone", "gone": "added", "same": "same"}
    back = counts(compare(after, before))
    assert {mirrored[fate]: count for fate, count in counts(found).items()} == back


@given(events)
def test_nothing_changed_is_all_the_same(before: list[Raised]) -> None:
    assert {c.fate for c in compare(before, before)} <= {"same"}


def test_gather_takes_the_last_change_of_what_opened_in_time() -> None:
    opened = Event(
        event_id="a",
        site="depot-7",
        rule="entry",
        camera="gate",
        sensor="line",
        state="opened",
        revision=1,
        severity="alert",
        mode="live",
        group_key="gate",
        at=12,
        opened_at=10,
        triggers=1,
        tracks="[]",
        score=0.5,
        verdict="accepted",
        config_version=1,
        model="yolox",
        model_version="1",
        provenance="[]",
    )
    closed = replace(opened, state="closed", revision=3, at=30, closed_at=30, triggers=2)
    updated = replace(opened, state="updated", revision=2, at=20, triggers=2)
    early = replace(opened, event_id="b", opened_at=9)

    (found,) = gather([opened, closed, updated, early], 10, 100)

    assert (found.event_id, found.opened_at, found.ended_at, found.triggers) == ("a", 10, 30, 2)
