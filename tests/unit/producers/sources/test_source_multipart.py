from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.sources.multipart import Parts, boundary_of
from schemas.errors import Rejected

BODIES = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=6)


def told(parts: Parts, sent: bytes, cuts: list[int]) -> list[bytes]:
    """Feed what was sent, cut at these places."""
    places = sorted({cut % (len(sent) + 1) for cut in cuts})
    chunks = [sent[a:b] for a, b in zip([0, *places], [*places, len(sent)], strict=True)]
    return [part for chunk in chunks for part in parts.feed(chunk)]


@given(BODIES, st.lists(st.integers(0, 2000), max_size=8), st.sampled_from([b"edge", b""]))
def test_parts_that_say_their_length_come_out_wherever_the_network_cuts(
    bodies: list[bytes], cuts: list[int], boundary: bytes
) -> None:
    sent = b"".join(
        b"--edge\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(one), one)
        for one in bodies
    )
    assert told(Parts(boundary), sent, cuts) == bodies


@given(BODIES, st.lists(st.integers(0, 2000), max_size=8), st.sampled_from([b"\r\n", b"\n"]))
def test_parts_without_a_length_end_before_the_next_delimiter(
    bodies: list[bytes], cuts: list[int], line: bytes
) -> None:
    # A picture does not end in line breaks, nor hold a delimiter.
    bodies = [b"\xff\xd8" + one.replace(b"-", b"+").strip(b"\r\n") + b"\xff\xd9" for one in bodies]
    sent = b"".join(b"--edge" + line + b"X: y" + line * 2 + one + line for one in bodies)
    assert told(Parts(b"edge"), sent + b"--edge--" + line, cuts) == bodies


def test_the_first_line_says_the_boundary_where_the_header_does_not() -> None:
    sent = b"\r\n--somewhere\r\nContent-Length: 3\r\n\r\nabc\r\n--somewhere\r\n\r\nde\r\n--somewhere\r\n"
    assert list(Parts(boundary_of("multipart/x-mixed-replace")).feed(sent)) == [b"abc", b"de"]


@pytest.mark.parametrize(
    "header",
    ["boundary=edge", 'boundary="edge"', "boundary=--edge", 'charset=x; Boundary="--edge"'],
)
def test_cameras_write_the_boundary_in_their_own_ways(header: str) -> None:
    assert boundary_of(f"multipart/x-mixed-replace; {header}") == b"edge"


def test_an_empty_part_is_no_picture() -> None:
    sent = b"--edge\r\nContent-Length: 0\r\n\r\n\r\n--edge\r\nContent-Length: 2\r\n\r\nab\r\n"
    assert list(Parts(b"edge").feed(sent)) == [b"ab"]


def test_what_never_ends_is_refused() -> None:
    parts = Parts(b"edge")
    list(parts.feed(b"--edge\r\n\r\n"))
    with pytest.raises(Rejected, match="more than 10 MB") as refused:
        for _ in range(11):
            list(parts.feed(bytes(1_000_000)))
    assert refused.value.reason == "too-large"


def test_a_part_that_says_it_is_too_large_is_not_waited_for() -> None:
    with pytest.raises(Rejected, match="more than 10 MB"):
        list(Parts(b"edge").feed(b"--edge\r\nContent-Length: 999999999\r\n\r\n"))
