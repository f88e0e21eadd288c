from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.api.ranges import Part, Unsatisfiable, byte_range


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20))
def test_a_range_is_a_slice(first: int, last: int, size: int) -> None:
    whole = bytes(range(size))
    header = f"bytes={first}-{last}"
    if first >= size and last >= first:
        with pytest.raises(Unsatisfiable):
            byte_range(header, size)
        return
    part = byte_range(header, size)
    if last < first:
        assert part is None
        return
    assert part is not None
    assert whole[part.first : part.first + part.length] == whole[first : last + 1]


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        ("bytes=-99", Part(0, 10)),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_what_is_no_single_range_means_the_whole(header: str | None, part: Part | None) -> None:
    assert byte_range(header, 10) == part


def test_nothing_has_no_last_bytes() -> None:
    for header, size in (("bytes=-0", 10), ("bytes=0-", 0)):
        with pytest.raises(Unsatisfiable):
            byte_range(header, size)
