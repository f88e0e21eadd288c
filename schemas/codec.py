"""Avro with the Confluent framing: a zero byte, the schema id as four bytes, then the body.

``encode`` and ``decode`` turn typed records into message values and back. Whatever is wrong with
an input (empty, wrong magic, unknown id, truncated, damaged, bytes left over, a wrong type, a NUL
character, a NaN or an infinity) gives :class:`schemas.errors.Rejected` with a reason, and never
another error.
"""

from __future__ import annotations

import io
import json
import struct
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, cast

import fastavro
from fastavro.read import SchemaResolutionError

from schemas.conversion import converters
from schemas.errors import Rejected
from schemas.files import schema_names, schema_text
from schemas.reading import reader
from schemas.records import SCHEMA_IDS, Record
from schemas.writing import LEFT_TO_FASTAVRO, writer

__all__ = ["decode", "decode_as", "encode", "schema_text"]

MAGIC = 0
_HEADER = struct.Struct(">BI")
R = TypeVar("R")


def encode(record: Record) -> bytes:
    """Return the framed message value of ``record``.

    Raises:
        Rejected: with reason ``wrong-type``, ``out-of-range``, ``forbidden-value`` (NUL, NaN or
            an infinity) or ``unencodable``.
    """
    kind: Any = type(record)
    schema_id = SCHEMA_IDS.get(kind)
    if schema_id is None:
        raise Rejected(f"a {kind.__name__} is no record of ours", reason="wrong-type")
    out = bytearray(_HEADERS[schema_id])
    try:
        writer(kind)(record, out)
    except LEFT_TO_FASTAVRO:
        return _encode_any(record, kind, schema_id)
    return bytes(out)


def _encode_any(record: Record, kind: Any, schema_id: int) -> bytes:
    plain = converters(kind)[0](record)
    buffer = io.BytesIO()
    buffer.write(_HEADER.pack(MAGIC, schema_id))
    try:
        fastavro.schemaless_writer(buffer, _parsed(schema_id), plain)
    except (ValueError, TypeError, AttributeError, OverflowError, KeyError) as error:
        raise Rejected(
            f"{kind.__name__} cannot be written: {error}", reason="unencodable"
        ) from error
    return buffer.getvalue()


def decode(value: bytes | None) -> Record:
    """Return the typed record of a framed message value.

    Raises:
        Rejected: with reason ``empty``, ``truncated``, ``wrong-magic``, ``unknown-schema``,
            ``damaged``, ``trailing-bytes``, ``out-of-range`` or ``forbidden-value``.
    """
    if not value:
        raise Rejected("the message is empty: expected an Avro record", reason="empty")
    if value[0] != MAGIC:
        raise Rejected(
            f"the first byte is {value[0]}, not {MAGIC}: not Confluent-framed Avro",
            reason="wrong-magic",
        )
    if len(value) < _HEADER.size:
        raise Rejected(f"only {len(value)} bytes: the framing alone takes 5", reason="truncated")
    schema_id = _HEADER.unpack_from(value)[1]
    current: type | None = _CURRENT.get(schema_id)
    if current is not None:
        with suppress(*LEFT_TO_FASTAVRO):
            record, end = reader(current)(value, _HEADER.size)
            if end == len(value):
                return cast(Record, record)
    return _decode_any(value, schema_id)


def _decode_any(value: bytes, schema_id: int) -> Record:
    kind = _kind(schema_id)
    current_id = SCHEMA_IDS[kind]
    body = io.BytesIO(value)
    body.seek(_HEADER.size)
    try:
        plain = fastavro.schemaless_reader(
            body, _parsed(schema_id), None if schema_id == current_id else _parsed(current_id)
        )
    except (EOFError, StopIteration) as error:
        raise Rejected(f"{kind.__name__} ends early", reason="truncated") from error
    except (
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        OverflowError,
        MemoryError,
        SchemaResolutionError,
        struct.error,
    ) as error:
        raise Rejected(f"{kind.__name__} is damaged: {error}", reason="damaged") from error
    left = len(value) - body.tell()
    if left:
        raise Rejected(f"{left} bytes follow the {kind.__name__}", reason="trailing-bytes")
    return cast(Record, converters(cast(type, kind))[1](plain))


def decode_as(kind: type[R], value: bytes | None) -> R:
    """Decode and insist on one kind of record.

    Raises:
        Rejected: as :func:`decode`, or with reason ``unexpected-record``.
    """
    record = decode(value)
    if not isinstance(record, kind):
        raise Rejected(
            f"a {type(record).__name__} stands where a {kind.__name__} belongs",
            reason="unexpected-record",
        )
    return record


_CURRENT: dict[int, type[Record]] = {schema_id: kind for kind, schema_id in SCHEMA_IDS.items()}
_HEADERS = {schema_id: _HEADER.pack(MAGIC, schema_id) for schema_id in _CURRENT}


def _kind(schema_id: int) -> type[Record]:
    """Return the record class of a schema; an older one has its name in common with the newest."""
    kind = _CURRENT.get(schema_id)
    if kind is not None:
        return kind
    names = schema_names()
    name = names.get(schema_id)
    for current_id, current_kind in _CURRENT.items():
        if name is not None and names[current_id] == name:
            return current_kind
    raise Rejected(f"schema id {schema_id} is unknown", reason="unknown-schema")


@cache
def _parsed(schema_id: int) -> Any:
    # Times stay integers in Python; the logical type is for other readers of the same bytes.
    return fastavro.parse_schema(_without_logical_types(json.loads(schema_text(schema_id))))


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, dict):
        if "logicalType" in schema:
            return schema["type"]
        return {key: _without_logical_types(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_without_logical_types(part) for part in schema]
    return schema
