"""The quick way from Avro bytes to a record: straight-line code, made once for each class.

As in :mod:`schemas.writing`: whatever is unusual (an array in several blocks, a damaged byte, a
number that is not finite) is left to the way by fastavro, which alone decides what it means.
"""

from __future__ import annotations

import dataclasses
import struct
import types
import typing
from collections.abc import Callable, Iterator
from functools import cache
from math import isfinite
from typing import Any, Literal, cast

from schemas.files import int_fields
from schemas.writing import Unusual

Reader = Callable[[bytes, int], tuple[Any, int]]
"""Takes a message and where to begin; gives the record and where it ends."""

_MEMORY = 4096
_LONGEST = 64


@cache
def reader(kind: type) -> Reader:
    """Return the function that reads a record of a class out of a message."""
    names: dict[str, Any] = {
        "isfinite": isfinite,
        "text": _text,
        "long": _long,
        "doubles": _doubles,
        "double": struct.Struct("<d").unpack_from,
        "texts": _texts,
        "Unusual": Unusual,
        "new": object.__new__,
        "kind": kind,
    }
    hints = typing.get_type_hints(kind)
    narrow = int_fields(kind.__name__)
    lines = ["def read(data, at):", " record = new(kind)"]
    for field in dataclasses.fields(kind):
        bits = 31 if field.name in narrow else 63
        lines += [" " + line for line in _field(hints[field.name], field.name, bits, names)]
        # A frozen class sets its own slots no other way.
        names[f"set_{field.name}"] = getattr(kind, field.name).__set__
        lines.append(f" set_{field.name}(record, value)")
    lines.append(" return record, at")
    exec("\n".join(lines), names)  # noqa: S102
    return cast(Reader, names["read"])


def _field(hint: Any, name: str, bits: int, names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that read ``value`` and move ``at`` behind it."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
        yield "branch = data[at]; at += 1"
        yield "if branch == 0: value = None"
        yield "elif branch == 2:"
        yield from (" " + line for line in _field(inner, name, bits, names))
        yield "else: raise Unusual"
    elif origin is tuple:
        element = typing.get_args(hint)[0]
        yield "count = data[at]; at += 1"
        yield "if count == 0: value = ()"
        yield "else:"
        yield " if count > 127: count, at = long(data, at - 1)"
        yield " elif count & 1: raise Unusual"
        yield " else: count >>= 1"
        # Every element takes a byte at least: a false count must not cost memory.
        yield " if not 0 < count <= len(data) - at: raise Unusual"
        if element is float:
            yield " value = doubles(data, at, count); at += 8 * count"
        else:
            yield " values = []"
            yield " for _ in range(count):"
            yield from ("  " + line for line in _field(element, name, bits, names))
            yield "  values.append(value)"
            yield " value = tuple(values)"
        yield " if data[at]: raise Unusual"
        yield " at += 1"
    elif origin is Literal:
        names[f"symbols_{name}"] = {2 * i: s for i, s in enumerate(typing.get_args(hint))}
        yield f"value = symbols_{name}[data[at]]; at += 1"
    elif dataclasses.is_dataclass(hint):
        names[f"read_{name}"] = reader(cast(type, hint))
        yield f"value, at = read_{name}(data, at)"
    elif hint is int:
        yield "value = data[at]; at += 1"
        yield "if value > 127:"
        yield " value, at = long(data, at - 1)"
        yield f" if not {-(1 << bits)} <= value < {1 << bits}: raise Unusual"
        yield "else: value = value >> 1 ^ -(value & 1)"
    elif hint is float:
        yield "(value,) = double(data, at); at += 8"
        yield "if not isfinite(value): raise Unusual"
    elif hint is bool:
        yield "value = data[at]; at += 1"
        yield "if value > 1: raise Unusual"
        yield "value = value == 1"
    elif hint is str:
        yield from _length()
        yield "value = texts.get(body)"
        yield "if value is None: value = text(body)"
    elif hint is bytes:
        yield from _length()
        yield "value = body"
    else:
        yield "raise Unusual"


def _length() -> Iterator[str]:
    yield "size = data[at]; at += 1"
    yield "if size > 127: size, at = long(data, at - 1)"
    yield "elif size & 1: raise Unusual"
    yield "else: size >>= 1"
    yield "body = data[at : at + size]; at += size"
    yield "if len(body) != size: raise Unusual"


_texts: dict[bytes, str] = {}
_longs: dict[bytes, int] = {}
_unpacks: dict[int, Callable[..., tuple[float, ...]]] = {}
_STAMP = 6
"""Bytes of a time in this century."""


def _text(body: bytes) -> str:
    value = body.decode()
    if "\x00" in value:
        raise Unusual
    if len(body) <= _LONGEST:
        if len(_texts) >= _MEMORY:
            _texts.clear()
        _texts[body] = value
    return value


def _long(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of several bytes and where it ends."""
    group = data[at : at + _STAMP]
    # No number's bytes begin with another's, so these six are known to be one or they are not.
    value = _longs.get(group)
    if value is not None:
        return value, at + _STAMP
    first, rest, shift = at, 0, 0
    while True:
        byte = data[at]
        at += 1
        rest |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            raise Unusual
    value = rest >> 1 ^ -(rest & 1)
    if at - first == _STAMP:
        if len(_longs) >= _MEMORY:
            _longs.clear()
        _longs[group] = value
    return value, at


def _doubles(data: bytes, at: int, count: int) -> tuple[float, ...]:
    unpack = _unpacks.get(count)
    if unpack is None:
        if len(_unpacks) >= _MEMORY:
            _unpacks.clear()
        unpack = _unpacks[count] = struct.Struct(f"<{count}d").unpack_from
    values = unpack(data, at)
    # The sum of finite numbers may overflow, which only sends them the slow way.
    if not isfinite(sum(values)):
        raise Unusual
    return values
