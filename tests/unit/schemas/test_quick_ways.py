"""The quick ways of the codec give what fastavro gives, or leave it to fastavro."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.codec import encode
from schemas.errors import Rejected
from schemas.reading import reader
from schemas.records import SCHEMA_IDS
from schemas.writing import LEFT_TO_FASTAVRO, writer
from tests.unit.schemas.records_strategies import KINDS, any_record, records

HEAD = 5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=25)
def test_both_ways_write_the_same_bytes(kind: Any, data: st.DataObject) -> None:
    record = data.draw(records(kind))
    written = bytearray()
    try:
        writer(kind)(record, written)
    except LEFT_TO_FASTAVRO:
        return
    assert codec._encode_any(record, kind, SCHEMA_IDS[kind])[HEAD:] == written


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=25)
def test_what_was_written_quickly_is_read_quickly(kind: Any, data: st.DataObject) -> None:
    record = data.draw(records(kind))
    written = bytearray()
    try:
        writer(kind)(record, written)
    except LEFT_TO_FASTAVRO:
        # Only a list of numbers whose sum is beyond a double.
        assert any(isinstance(part, tuple) for part in _parts(record))
        return
    assert reader(kind)(bytes(written), 0) == (record, len(written))


@given(st.data())
@settings(max_examples=300)
def test_of_damaged_bytes_both_ways_read_the_same(data: st.DataObject) -> None:
    message = bytearray(encode(data.draw(any_record())))
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(HEAD, len(message) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    schema_id = int.from_bytes(message[1:HEAD], "big")
    kind: Any = codec._CURRENT[schema_id]
    try:
        read, end = reader(kind)(bytes(message), HEAD)
    except LEFT_TO_FASTAVRO:
        return
    try:
        expected = codec._decode_any(bytes(message), schema_id)
    except Rejected as error:
        assert error.reason == "trailing-bytes" and end < len(message)
    else:
        assert read == expected and end == len(message)
        assert repr(read) == repr(expected)


def _parts(record: Any) -> list[Any]:
    return [getattr(record, field.name) for field in dataclasses.fields(record)]
