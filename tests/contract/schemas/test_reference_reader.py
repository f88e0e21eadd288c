"""What our codec writes, Avro's reference implementation reads, and the other way round."""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime
from typing import Any

import avro.io
import avro.schema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import decode, encode, schema_text
from schemas.records import SCHEMA_IDS
from tests.unit.schemas.records_strategies import KINDS, records

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The reference reader turns times into datetimes, which end in the year 9999.
LAST_MS = 253_402_300_799_999


def near(value: Any, name: str = "") -> Any:
    """Bring every time of a record into the years that the reference reader knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        parts = {field.name: near(getattr(value, field.name), field.name) for field in fields}
        return dataclasses.replace(value, **parts)
    if isinstance(value, tuple):
        return tuple(near(part) for part in value)
    is_time = name == "at" or name.endswith("_at")
    return value % LAST_MS if is_time and value is not None else value


def plain(value: Any) -> Any:
    """Times back to milliseconds, arrays to tuples."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(plain(part) for part in value)
    if isinstance(value, datetime):
        since = value - EPOCH
        return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    return value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=10)
def test_the_reference_implementation_agrees(kind: Any, data: st.DataObject) -> None:
    record = data.draw(records(kind).map(near))
    schema = avro.schema.parse(schema_text(SCHEMA_IDS[kind]))
    message = encode(record)
    reader = avro.io.DatumReader(schema)
    read = reader.read(avro.io.BinaryDecoder(io.BytesIO(message[5:])))
    assert plain(read) == plain(dataclasses.asdict(record))

    buffer = io.BytesIO()
    avro.io.DatumWriter(schema).write(read, avro.io.BinaryEncoder(buffer))
    assert decode(message[:5] + buffer.getvalue()) == record
