"""The quick way from a record to its Avro bytes: straight-line code, made once for each class.

It knows the values that nearly all records hold. Whatever else it meets it leaves to the way by
fastavro, by raising one of :data:`LEFT_TO_FASTAVRO`, and that way alone decides what
is refused and why; so the two give the same bytes or none (docs/adr/0021).
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

Writer = Callable[[Any, bytearray], None]

_MEMORY = 4096
"""Texts and numbers whose bytes are remembered: names, models and times come again and again."""
_LONGEST = 64
"""Letters of a text that is remembered."""
_FLOATS = frozenset([float])


class Unusual(Exception):
    """The quick way does not know this."""


LEFT_TO_FASTAVRO = (
    Unusual,
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    TypeError,
    ValueError,
    struct.error,
)
"""What the quick ways raise on anything that they do not know."""


@cache
def writer(kind: type) -> Writer:
    """Return the function that appends a record of a class to a buffer."""
    names: dict[str, Any] = {
        "isfinite": isfinite,
        "text": _text,
        "long": _long,
        "doubles": _doubles,
        "double": struct.Struct("<d").pack,
        "Unusual": Unusual,
        "kind": kind,
    }
    hints = typing.get_type_hints(kind)
    narrow = int_fields(kind.__name__)
    lines = ["def write(record, out):", " if type(record) is not kind: raise Unusual"]
    for field in dataclasses.fields(kind):
        lines.append(f" value = record.{field.name}")
        found = _field(hints[field.name], field.name, 31 if field.name in narrow else 63, names)
        lines += [" " + line for line in found]
    exec("\n".join(lines), names)  # noqa: S102
    return cast(Writer, names["write"])


def _field(hint: Any, name: str, bits: int, names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that append ``value``."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
        yield "if value is None: out.append(0)"
        yield "else:"
        yield " out.append(2)"
        yield from (" " + line for line in _field(inner, name, bits, names))
    elif origin is tuple:
        yield "if type(value) is not tuple: raise Unusual"
        yield "if value:"
        yield " long(len(value), out)"
        element = typing.get_args(hint)[0]
        if element is float:
            yield " doubles(value, out)"
        else:
            yield " for value in value:"
            yield from ("  " + line for line in _field(element, name, bits, names))
        yield "out.append(0)"
    elif origin is Literal:
        names[f"symbols_{name}"] = {s: 2 * i for i, s in enumerate(typing.get_args(hint))}
        yield f"out.append(symbols_{name}[value])"
    elif dataclasses.is_dataclass(hint):
        names[f"write_{name}"] = writer(cast(type, hint))
        yield f"write_{name}(value, out)"
    elif hint is int:
        yield f"if type(value) is not int or not {-(1 << bits)} <= value < {1 << bits}: raise Unusual"
        yield "long(value, out)"
    elif hint is float:
        yield "if type(value) is not float or not isfinite(value): raise Unusual"
        yield "out += double(value)"
    elif hint is bool:
        yield "if type(value) is not bool: raise Unusual"
        yield "out.append(value)"
    elif hint is str:
        yield "out += texts[value] if value in texts else text(value)"
        names["texts"] = _texts
    elif hint is bytes:
        yield "if type(value) is not bytes: raise Unusual"
        yield "long(len(value), out)"
        yield "out += value"
    else:
        yield "raise Unusual"


_texts: dict[str, bytes] = {}
_longs: dict[int, bytes] = {}
_packs: dict[int, Callable[..., bytes]] = {}


def _text(value: str) -> bytes:
    """Return the bytes of a text with their number before them."""
    if type(value) is not str or "\x00" in value:
        raise Unusual
    body = value.encode()
    out = bytearray()
    _long(len(body), out)
    out += body
    found = bytes(out)
    if len(value) <= _LONGEST:
        if len(_texts) >= _MEMORY:
            _texts.clear()
        _texts[value] = found
    return found


def _long(value: int, out: bytearray) -> None:
    """Append a number, zigzag and in groups of 7 bits."""
    if -64 <= value < 64:
        out.append((value << 1) ^ (value >> 63))
        return
    found = _longs.get(value)
    if found is None:
        if len(_longs) >= _MEMORY:
            _longs.clear()
        rest = (value << 1) ^ (value >> 63)
        groups = bytearray()
        while rest > 127:
            groups.append(rest & 127 | 128)
            rest >>= 7
        groups.append(rest)
        found = _longs[value] = bytes(groups)
    out += found


def _doubles(values: tuple[float, ...], out: bytearray) -> None:
    # The sum of finite numbers may overflow, which only sends them the slow way.
    if set(map(type, values)) != _FLOATS or not isfinite(sum(values)):
        raise Unusual
    count = len(values)
    pack = _packs.get(count)
    if pack is None:
        if len(_packs) >= _MEMORY:
            _packs.clear()
        pack = _packs[count] = struct.Struct(f"<{count}d").pack
    out += pack(*values)
