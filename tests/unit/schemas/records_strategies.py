"""Hypothesis strategies for every record kind, made from the type hints of the dataclasses."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal

from hypothesis import strategies as st

from schemas.files import int_fields
from schemas.records import SCHEMA_IDS, Record

KINDS: tuple[type[Record], ...] = tuple(SCHEMA_IDS)
TEXTS = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=8)
_made: dict[type, st.SearchStrategy[Any]] = {}
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def records(kind: type) -> st.SearchStrategy[Any]:
    """Return records of a class, each field over the whole range of its type."""
    if kind not in _made:
        _made[kind] = _make(kind)
    return _made[kind]


def _make(kind: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    narrow = int_fields(kind.__name__)
    return st.builds(
        kind, **{name: _values(hint, 32 if name in narrow else 64) for name, hint in hints.items()}
    )


def any_record() -> st.SearchStrategy[Record]:
    """Return records of all kinds."""
    return st.one_of([records(kind) for kind in KINDS])


def _values(hint: Any, bits: int) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([_values(part, bits) for part in arguments])
    if origin is tuple:
        return st.lists(_values(arguments[0], bits), max_size=3).map(tuple)
    if origin is Literal:
        return st.sampled_from(arguments)
    if dataclasses.is_dataclass(hint):
        return records(typing.cast(type, hint))
    return {
        types.NoneType: st.none(),
        int: st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        float: FLOATS,
        str: TEXTS,
        bool: st.booleans(),
        bytes: st.binary(max_size=16),
    }[hint]
