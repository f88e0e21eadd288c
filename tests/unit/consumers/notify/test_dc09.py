from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.notify.targets import dc09
from schemas.errors import Rejected

AT = datetime(2026, 11, 28, 2, 3, 4, tzinfo=UTC)
FILL = bytes(range(16))
PLAIN = dc09.Address(account="1234", receiver="1", line="2")
TEXTS = st.text(st.characters(codec="cp1252", exclude_characters='[]|\r\n_"'), max_size=200)


def test_a_frame_of_the_standard() -> None:
    frame = dc09.build("SIA-DCS", 9876, "#1234|NFA129]", PLAIN, AT, FILL)
    body = b'"SIA-DCS"9876R1L2#1234[#1234|NFA129]_02:03:04,11-28-2026'
    assert frame == b"\n%04X0%03X" % (dc09.crc16(body), len(body)) + body + b"\r"


@given(
    TEXTS,
    st.integers(0, 9999),
    st.sampled_from([b"", b"k" * 16, b"k" * 24, b"k" * 32]),
    st.binary(min_size=16, max_size=16),
)
def test_what_was_built_is_read(text: str, sequence: int, key: bytes, fill: bytes) -> None:
    address = dc09.Address(account="12AB", key=key)
    frame = dc09.build("SIA-DCS", sequence, f"{text}]", address, AT, fill)
    found = dc09.read(frame, key)
    assert (found.token, found.sequence, found.account) == ("SIA-DCS", sequence, "12AB")
    assert (found.content, found.at) == (f"{text}]", AT)
    assert frame.count(b"\r") == 1 and frame.count(b"\n") == 1


@given(st.binary(max_size=80), st.sampled_from([b"", b"k" * 16]))
def test_garbage_is_refused_and_nothing_else(garbage: bytes, key: bytes) -> None:
    with pytest.raises(Rejected):
        dc09.read(garbage, key)


def test_a_damaged_frame_is_refused() -> None:
    frame = dc09.build("SIA-DCS", 1, "]", PLAIN, AT, FILL)
    for wrong in (
        frame.replace(b"1234", b"1235"),
        frame[:-3] + b"\r",
        frame.replace(b"0001", b"0002"),
    ):
        with pytest.raises(Rejected):
            dc09.read(wrong)
    sealed = dc09.build("NULL", 0, "]", dc09.Address(account="1234", key=b"k" * 16), AT, FILL)
    with pytest.raises(Rejected):
        dc09.read(sealed, b"j" * 16)


def test_a_frame_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(Rejected):
        dc09.build("SIA-DCS", 1, "x" * 4096, PLAIN, AT, FILL)


@given(st.integers(1, 10**9))
def test_sequence_numbers_go_round(number: int) -> None:
    assert 1 <= dc09.sequence_of(number) <= 9999
    assert dc09.sequence_of(number + 9999) == dc09.sequence_of(number)


@given(st.text())
def test_a_text_cannot_end_its_field(text: str) -> None:
    assert not set('[]|"\r\n') & set(dc09.clean(text))
