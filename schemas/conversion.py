"""Typed records to plain Avro data and back, with every value checked on both ways.

fastavro takes some wrong values without a word (a float where an integer belongs, any object as a
boolean, the letters of a text as an array), and no Avro type excludes what the stores refuse: NUL
characters, NaN and infinities. So each field is checked here, by its Python type.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, cast

from schemas.errors import Rejected
from schemas.files import int_fields

Converter = Callable[[Any], Any]

_INT_LIMIT, _LONG_LIMIT = 1 << 31, 1 << 63


@cache
def converters(kind: type) -> tuple[Converter, Converter]:
    """Return (record to plain data, plain data to record) of a record class.

    Both raise Rejected with reason ``wrong-type``, ``out-of-range`` or ``forbidden-value``.
    """
    hints = typing.get_type_hints(kind)
    narrow = int_fields(kind.__name__)
    parts = [
        (
            field.name,
            *_field(hints[field.name], f"{kind.__name__}.{field.name}", field.name in narrow),
        )
        for field in dataclasses.fields(kind)
    ]

    def to_plain(record: Any) -> dict[str, Any]:
        if type(record) is not kind:
            raise _wrong_type(kind.__name__, record, f"a {kind.__name__}")
        return {name: write(getattr(record, name)) for name, write, _ in parts}

    def from_plain(plain: Any) -> Any:
        return kind(**{name: read(plain[name]) for name, _, read in parts})

    return to_plain, from_plain


def _field(hint: Any, where: str, narrow: bool) -> tuple[Converter, Converter]:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
        write, read = _field(inner, where, narrow)
        return _or_none(write), _or_none(read)
    if origin is tuple:
        return _array(typing.get_args(hint)[0], where, narrow)
    if origin is Literal:
        return _text(where), _as_read
    if dataclasses.is_dataclass(hint):
        return converters(cast(type, hint))
    if hint is int:
        return (_integer(where, _INT_LIMIT if narrow else _LONG_LIMIT),) * 2
    if hint is float:
        return (_number(where),) * 2
    if hint is str:
        return (_text(where),) * 2
    return _exactly(hint, where), _as_read


def _array(element: Any, where: str, narrow: bool) -> tuple[Converter, Converter]:
    write, read = _field(element, where, narrow)

    def write_all(values: Any) -> list[Any]:
        # A list and no tuple: fastavro reads a tuple in a union as (name of the type, value).
        if not isinstance(values, tuple | list):
            raise _wrong_type(where, values, "a tuple")
        return [write(value) for value in values]

    def write_numbers(values: Any) -> list[float]:
        if not isinstance(values, tuple | list):
            raise _wrong_type(where, values, "a tuple")
        return list(numbers(values))

    def numbers(values: Any) -> tuple[float, ...]:
        try:
            # The fast way for all; the slow one finds out which value is wrong.
            fit = all(map(math.isfinite, values)) and bool not in map(type, values)
        except (TypeError, ValueError, OverflowError):
            fit = False
        return tuple(values) if fit else tuple([read(value) for value in values])

    if element is float:
        return write_numbers, numbers
    return write_all, lambda values: tuple([read(value) for value in values])


def _or_none(convert: Converter) -> Converter:
    return lambda value: None if value is None else convert(value)


def _as_read(value: Any) -> Any:
    return value


def _exactly(kind: type, where: str) -> Converter:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise _wrong_type(where, value, f"a {kind.__name__}")
        return value

    return check


def _integer(where: str, limit: int) -> Converter:
    def check(value: Any) -> Any:
        if not isinstance(value, int) or value is True or value is False:
            raise _wrong_type(where, value, "an integer")
        if not -limit <= value < limit:
            raise Rejected(
                f"{where} is {value}: only -{limit} to {limit - 1}", reason="out-of-range"
            )
        return value

    return check


def _number(where: str) -> Converter:
    def check(value: Any) -> Any:
        if value is True or value is False:
            raise _wrong_type(where, value, "a number")
        try:
            finite = math.isfinite(value)
        except (TypeError, ValueError) as error:
            raise _wrong_type(where, value, "a number") from error
        except OverflowError as error:
            raise Rejected(f"{where} is beyond a double", reason="out-of-range") from error
        if not finite:
            raise Rejected(f"{where} is {value}: only finite numbers", reason="forbidden-value")
        return value

    return check


def _text(where: str) -> Converter:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise _wrong_type(where, value, "a text")
        if "\x00" in value:
            raise Rejected(f"{where} holds a NUL character", reason="forbidden-value")
        return value

    return check


def _wrong_type(where: str, value: Any, expected: str) -> Rejected:
    return Rejected(f"{where} is a {type(value).__name__}, not {expected}", reason="wrong-type")
