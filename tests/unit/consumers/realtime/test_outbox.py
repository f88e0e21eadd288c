"""A client is told everything it wants, in order; what it is not told it can get by resuming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from consumers.realtime import outbox as module
from consumers.realtime.feed import Feed
from consumers.realtime.kinds import Kind
from consumers.realtime.log import Entry, Log
from consumers.realtime.outbox import Lagged, Outbox, Told
from consumers.realtime.positions import Positions, passed
from schemas.records import Event
from tests.unit.consumers.realtime.stream_records import NOWHERE, event

PARTITIONS = 2


@dataclass(eq=False)
class Reader:
    """A client, and what it was told."""

    outbox: Outbox
    found: list[Told | Lagged] = field(default_factory=list)
    woken: bool = False

    def wake(self) -> None:
        self.woken = True

    def take(self, limit: int) -> None:
        self.found += self.outbox.take(limit)

    @property
    def told(self) -> list[Entry]:
        return [item.entry for item in self.found if isinstance(item, Told)]

    @property
    def dropped(self) -> int:
        return sum(item.dropped for item in self.found if isinstance(item, Lagged))


class House:
    """A feed that is written as a hub does."""

    def __init__(self, limit: int) -> None:
        self.position: Positions = NOWHERE
        self.feed = Feed(NOWHERE, limit)
        self.entries: list[Entry] = []
        self._offsets = [0] * PARTITIONS

    def reader(self, since: Positions | None = None) -> Reader:
        log = self.feed.log
        at = log.end if since is None else log.first
        reader = Reader(Outbox(log, wanted, at, since or self.position, seen=since is not None))
        self.feed.readers.add(reader)
        return reader

    def write(self, number: int) -> None:
        """Write the next revision of an event; its id tells the partition."""
        partition = number % PARTITIONS
        revision = 1 + sum(entry.record.event_id == str(number) for entry in self.entries)  # type: ignore[union-attr]
        before = self.position
        offset = self._offsets[partition]
        self._offsets[partition] += 1
        self.position = passed(before, Kind.EVENT, partition, offset)
        record = event(event_id=str(number), revision=revision)
        entry = Entry(Kind.EVENT, record, partition, offset, self.position)
        self.entries.append(entry)
        self.feed.append(entry, before)


def wanted(entry: Entry) -> bool:
    """Events with a high number are of no interest."""
    return int(named(entry)[0]) < 6


def named(entry: Entry) -> tuple[str, int]:
    assert isinstance(entry.record, Event)
    return entry.record.event_id, entry.record.revision


Steps = Sequence[tuple[str, int]]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 7)),
        st.tuples(st.just("take"), st.integers(1, 5)),
    ),
    max_size=60,
)


def run(steps: Steps, limit: int) -> tuple[House, Reader]:
    house = House(limit)
    reader = house.reader()
    for step, number in steps:
        if step == "write":
            house.write(number)
        else:
            reader.take(number)
    while not reader.outbox.idle:
        reader.take(100)
    return house, reader


@given(STEPS)
def test_one_who_keeps_up_is_told_all_in_order(steps: Steps) -> None:
    house, reader = run(steps, limit=100)
    assert reader.told == [entry for entry in house.entries if wanted(entry)]
    assert reader.dropped == 0


@given(STEPS, st.integers(1, 6), st.integers(0, 4))
def test_one_who_does_not_is_told_the_newest_or_where_to_resume(
    steps: Steps, limit: int, conflated_behind: int
) -> None:
    kept = module.CONFLATED_BEHIND
    module.CONFLATED_BEHIND = conflated_behind
    try:
        house, reader = run(steps, limit)
    finally:
        module.CONFLATED_BEHIND = kept
    places = [house.entries.index(entry) for entry in reader.told]
    assert places == sorted(set(places))
    newest = {named(entry)[0]: entry for entry in house.entries if wanted(entry)}
    untold = [entry for entry in newest.values() if entry not in reader.told]
    assert len(untold) <= reader.dropped
    lagged = [item.position for item in reader.found if isinstance(item, Lagged)]
    for entry in untold:
        assert any(entry.offset >= position[Kind.EVENT][entry.partition] for position in lagged)


@given(STEPS, st.integers(0, 60))
def test_one_who_comes_back_is_told_the_rest_once(steps: Steps, cut: int) -> None:
    """With any position that it was told, though this log was read in another order."""
    house, reader = run(steps, limit=100)
    told = [item for item in reader.found if isinstance(item, Told)]
    if not told:
        return
    last = told[min(cut, len(told) - 1)]
    other = House(limit=100)
    # The same messages, read partition by partition.
    for entry in sorted(house.entries, key=lambda entry: (entry.partition, entry.offset)):
        other.position = passed(other.position, Kind.EVENT, entry.partition, entry.offset)
        other.feed.append(
            Entry(Kind.EVENT, entry.record, entry.partition, entry.offset, other.position),
            NOWHERE,
        )
    again = other.reader(since=last.position)
    while not again.outbox.idle:
        again.take(3)
    rest = [named(item.entry) for item in told[told.index(last) + 1 :]]
    assert sorted(named(entry) for entry in again.told) == sorted(rest)


@given(STEPS)
def test_the_last_position_is_where_the_process_stands(steps: Steps) -> None:
    house, reader = run(steps, limit=100)
    assert reader.outbox.place(house.position) == house.position


def test_an_idle_client_is_woken_by_what_it_wants_alone() -> None:
    house = House(limit=3)
    reader = house.reader()
    for _ in range(5):
        house.write(7)
    assert not reader.woken
    house.write(1)
    assert reader.woken
    reader.take(10)
    assert [named(entry) for entry in reader.told] == [("1", 1)]
    assert reader.dropped == 0


def test_a_log_says_from_where_on_it_is_whole() -> None:
    log = Log(NOWHERE, limit=2)
    position = NOWHERE
    for offset in range(3):
        position = passed(position, Kind.EVENT, 0, offset)
        log.append(Entry(Kind.EVENT, event(event_id=str(offset)), 0, offset, position))
    assert log.floor == passed(NOWHERE, Kind.EVENT, 0, 0)
    assert [entry.offset for entry in log.since(log.first)] == [1, 2]
