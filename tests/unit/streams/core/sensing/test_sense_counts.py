"""Counts by minute: told when the minute is over, corrected by a higher revision."""

from schemas.records import Count
from streams.core.sensing.counts import KEEP_MS, MINUTE_MS, Counts, add, tell
from streams.core.sensors.base import Fired
from tests.unit.streams.core.sensing.scene import (
    EPOCH,
    beat,
    frame,
    numbered,
    plan,
    sense,
    standing,
)

LINE = {"kind": "line", "points": [[0.5, 0.1], [0.5, 0.9]]}
LAWN = {"kind": "zone", "points": [[0.4, 0.1], [0.9, 0.1], [0.9, 0.9], [0.4, 0.9]]}


def crossed(at_s: float, known_s: float, direction: str = "forward") -> Fired:
    at, known_at = round(at_s * 1000), round(known_s * 1000)
    return Fired(
        trigger="crossed",
        track="t",
        triggered_at=at,
        since_at=at,
        known_at=known_at,
        direction=direction,
    )


def told(counts: Counts, now_s: float) -> list[Count]:
    now = round(now_s * 1000)
    return tell(counts, now, site="depot-7", camera="gate", config_version=4)


def test_a_walk_through_is_counted_in_the_minutes_in_which_it_happened() -> None:
    readings = [
        frame(at, [standing(0.2 + 0.1 * (at - 56_000) / 1000, 0.6)])
        for at in range(56_000, 62_001, 200)
    ]
    readings += [beat(at) for at in range(63_000, 200_000, 1000)]
    _, found = sense(numbered(readings), plan({"door": LINE, "lawn": LAWN}))
    counts = [count for sensing in found for count in sensing.counts]
    assert [(c.sensor, (c.minute_at - EPOCH) // 1000, c.revision) for c in counts] == [
        ("door", 0, 1),
        ("lawn", 0, 1),
        ("lawn", 60, 1),
    ]
    door, lawn, later = counts
    assert (door.forward, door.backward) == (0, 1)
    assert (lawn.entries, lawn.exits, lawn.occupancy_max) == (1, 0, 1)
    assert (later.entries, later.exits, later.occupancy_max) == (0, 1, 1)
    assert later.dwell_total_s == later.dwell_max_s == 4.0
    assert door.count_id == f"depot-7/gate/door/{EPOCH}"


def test_nothing_is_told_before_the_minute_is_over_nor_twice() -> None:
    counts = Counts(cells={})
    add(counts, "door", crossed(10, 10))
    assert told(counts, 59.999) == []
    assert [count.forward for count in told(counts, 60)] == [1]
    assert told(counts, 120) == []


def test_what_becomes_known_later_corrects_its_minute_at_the_next_one_s_end() -> None:
    counts = Counts(cells={})
    add(counts, "door", crossed(10, 10))
    told(counts, 60)
    add(counts, "door", crossed(59, 61, "backward"))
    assert told(counts, 119) == []
    (again,) = told(counts, 120)
    assert (again.minute_at, again.forward, again.backward, again.revision) == (0, 1, 1, 2)
    assert again.config_version == 4


def test_what_is_too_old_to_correct_counts_in_the_minute_in_which_it_became_known() -> None:
    counts = Counts(cells={})
    told(counts, 3600)
    add(counts, "door", crossed(10, 3601))
    add(counts, "door", crossed(3600 - KEEP_MS / 1000, 3601))
    minutes = [(count.minute_at, count.forward) for count in told(counts, 3660)]
    assert minutes == [(3_600_000 - KEEP_MS, 1), (3_600_000, 1)]


def test_old_minutes_are_forgotten() -> None:
    counts = Counts(cells={})
    for minute in range(200):
        add(counts, "door", crossed(minute * 60, minute * 60))
        assert len(told(counts, minute * 60 + 60)) == 1
        assert len(counts.cells) <= KEEP_MS // MINUTE_MS + 1
