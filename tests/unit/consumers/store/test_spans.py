from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from consumers.store.spans import BEGINNING, END, rising_spans, spans

TIMES = st.datetimes(
    min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)
)
MAYBE = st.none() | TIMES


@given(MAYBE, MAYBE, TIMES, st.none() | st.just(timedelta(hours=1)))
def test_spans_join_without_gaps_from_the_newest_back(
    since: datetime | None, until: datetime | None, now: datetime, first: timedelta | None
) -> None:
    found = list(spans(since, until, now, first))
    low, high = since or BEGINNING, until or END
    if low >= high:
        assert not found
        return
    assert (found[0][1], found[-1][0]) == (high, low)
    assert all(later[0] == earlier[1] for later, earlier in pairwise(found))
    assert all(begin < end for begin, end in found)
    assert len(found) <= 7


@given(MAYBE, MAYBE, TIMES)
def test_rising_spans_join_without_gaps_from_the_oldest_on(
    since: datetime | None, until: datetime | None, now: datetime
) -> None:
    found = list(rising_spans(since, until, now))
    low, high = since or BEGINNING, until or END
    if low >= high:
        assert not found
        return
    assert (found[0][0], found[-1][1]) == (low, high)
    assert all(one[1] == other[0] for one, other in pairwise(found))
    assert all(begin < end for begin, end in found)
    assert len(found) <= 20


def test_the_first_span_holds_today_and_what_is_ahead_of_its_time() -> None:
    now = datetime(2026, 11, 28, 10, tzinfo=UTC)
    assert next(spans(None, None, now)) == (datetime(2026, 11, 27, tzinfo=UTC), END)
    hour = timedelta(hours=1)
    assert next(spans(None, None, now, hour)) == (now - hour, END)
