from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.runtime.kafka import Message
from infra.runtime.progress import OrderedCommits


def message(offset: int, partition: int = 0) -> Message:
    return Message("t", partition, offset, None, None, 0)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), unique=True), st.randoms())
def test_nothing_open_is_ever_committed_and_in_the_end_everything_is(
    places: list[tuple[int, int]], random: object
) -> None:
    commits = OrderedCommits()
    read = [message(offset, partition) for partition, offset in sorted(places)]
    for one in read:
        assert commits.begin(one)
    order = list(read)
    random.shuffle(order)  # type: ignore[attr-defined]
    unfinished = set(read)
    committed: dict[int, int] = {}
    for one in order:
        commits.finish(one)
        unfinished.discard(one)
        for end in commits.take():
            assert committed.get(end.partition, -1) < end.offset
            committed[end.partition] = end.offset
        for other in unfinished:
            assert other.offset > committed.get(other.partition, -1)
    assert committed == {p: max(o for q, o in places if q == p) for p, _ in places}
    assert len(commits) == 0 and list(commits) == []


def test_a_message_read_again_is_begun_once() -> None:
    commits = OrderedCommits()
    assert commits.begin(message(4)) and not commits.begin(message(4))
    assert message(4) in commits and message(5) not in commits


def test_lost_partitions_are_forgotten_and_not_committed() -> None:
    commits = OrderedCommits()
    for partition in (0, 1):
        commits.begin(message(3, partition))
        commits.finish(message(3, partition))
    commits.keep({("t", 1)})
    assert [end.partition for end in commits.take()] == [1]
