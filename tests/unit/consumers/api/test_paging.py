from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from consumers.api.paging import Keyset, page
from consumers.api.problems import Problem

BY_TIME = Keyset(("at", datetime), ("id", str), descending=True)
TIMES = st.datetimes(
    min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)
)


def packed(*parts: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


@given(at=TIMES, name=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_cursor_gives_back_what_it_was_made_of(at: datetime, name: str) -> None:
    place = BY_TIME.place(BY_TIME.cursor({"at": at, "id": name}))
    assert place.values == {"after_0": at, "after_1": name}


@given(st.text(max_size=200))
def test_whatever_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        BY_TIME.place(text)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    "cursor",
    [
        packed(False, "2026-01-01T00:00:00+00:00", "a"),
        packed(True, "2026-01-01T00:00:00", "a"),
        packed(True, "2026-01-01T00:00:00+00:00"),
        packed(True, "0001-01-01T00:00:00+14:00", "a"),
        packed(True, "2026-01-01T00:00:00+00:00", "a\0"),
        packed(True, "2026-01-01T00:00:00+00:00", 7),
        packed(True, 7, "a"),
        packed(),
    ],
    ids=["order", "zone", "short", "year 0", "nul", "type", "time", "empty"],
)
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(Problem):
        BY_TIME.place(cursor)


def test_numbers_stay_within_what_the_database_holds() -> None:
    by_number = Keyset(("number", int))
    assert by_number.place(packed(False, 7)).values == {"after_0": 7}
    for number in (2**63, True, 7.0):
        with pytest.raises(Problem):
            by_number.place(packed(False, number))


def test_the_next_page_is_asked_for_with_the_same_filter() -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/things",
        "query_string": b"colour=red&colour=blue&cursor=old",
        "headers": [(b"host", b"here")],
        "server": ("here", 80),
        "scheme": "http",
    }
    rows = [{"name": name} for name in "abc"]
    made = page(Request(scope), rows, 2, Keyset(("name", str)), lambda row: row["name"])
    assert made.items == ["a", "b"]
    cursor = Keyset(("name", str)).cursor({"name": "b"})
    assert made.next == f"/api/v1/things?colour=red&colour=blue&cursor={cursor}"
    assert page(Request(scope), rows, 3, Keyset(("name", str)), str).next is None
