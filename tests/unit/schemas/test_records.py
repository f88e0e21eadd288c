from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from schemas.files import schema_names, schema_text
from schemas.records import SCHEMA_IDS, Beat, Frame
from tests.unit.schemas.records_strategies import KINDS

PRIMITIVES = {"string": str, "bytes": bytes, "int": int, "long": int, "double": float}
PRIMITIVES |= {"boolean": bool, "null": types.NoneType}


def schema_of(kind: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(schema_text(SCHEMA_IDS[kind]))
    return parsed


def named(schema: Any, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Collect every named type of a schema in the order of their definitions."""
    if isinstance(schema, list):
        for part in schema:
            named(part, found)
    elif isinstance(schema, dict):
        if schema["type"] in ("record", "enum"):
            found.append(schema)
        for field in schema.get("fields", []):
            named(field["type"], found)
        named(schema.get("items"), found)
    return found


def pairs(kind: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield (dataclass, Avro record) for a message's record and all records in it."""
    definitions = {part["name"]: part for part in named(schema_of(kind), [])}

    def walk(cls: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
        yield cls, definitions[cls.__name__]
        for hint in typing.get_type_hints(cls).values():
            for part in (hint, *typing.get_args(hint)):
                if dataclasses.is_dataclass(part):
                    yield from walk(part)

    return walk(kind)


def agrees(hint: Any, avro: Any, definitions: dict[str, Any]) -> bool:
    """Tell whether a type hint says the same as an Avro type."""
    if isinstance(avro, str) and avro in definitions:
        avro = definitions[avro]
    if isinstance(avro, list):
        parts = typing.get_args(hint)
        return (
            typing.get_origin(hint) in (types.UnionType, typing.Union)
            and len(avro) == len(parts) == 2
            and avro[0] == "null"
            and parts[1] is types.NoneType
            and agrees(parts[0], avro[1], definitions)
        )
    if isinstance(avro, str):
        return hint is PRIMITIVES[avro]
    if avro["type"] == "array":
        arguments = typing.get_args(hint)
        return (
            typing.get_origin(hint) is tuple
            and arguments[1:] == (Ellipsis,)
            and agrees(arguments[0], avro["items"], definitions)
        )
    if avro["type"] == "enum":
        return typing.get_origin(hint) is Literal and typing.get_args(hint) == tuple(
            avro["symbols"]
        )
    if avro["type"] == "record":
        return dataclasses.is_dataclass(hint) and typing.cast(type, hint).__name__ == avro["name"]
    return hint is int and dict(avro) == {"type": "long", "logicalType": "timestamp-millis"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_records_match_their_schema_field_for_field(kind: Any) -> None:
    definitions = {part["name"]: part for part in named(schema_of(kind), [])}
    for cls, schema in pairs(kind):
        hints = typing.get_type_hints(cls)
        fields = dataclasses.fields(cls)
        assert [field.name for field in fields] == [field["name"] for field in schema["fields"]]
        for field, avro in zip(fields, schema["fields"], strict=True):
            where = f"{cls.__name__}.{field.name}"
            assert agrees(hints[field.name], avro["type"], definitions), where
            default = avro.get("default", dataclasses.MISSING)
            default = tuple(default) if isinstance(default, list) else default
            assert field.default == default, where
            assert type(field.default) is type(default), where


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_records_are_frozen_and_told_apart_by_keyword(kind: Any) -> None:
    for cls, schema in pairs(kind):
        assert cls.__dataclass_params__.frozen
        assert all(field.kw_only for field in dataclasses.fields(cls))
        assert cls.__doc__ == schema["doc"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_optional_fields_default_to_null_and_times_are_timestamps(kind: Any) -> None:
    for _, schema in pairs(kind):
        for field in schema["fields"]:
            where = f"{schema['name']}.{field['name']}"
            parts = field["type"] if isinstance(field["type"], list) else [field["type"]]
            if "null" in parts:
                assert parts[0] == "null" and field["default"] is None, where
            is_time = field["name"] == "at" or field["name"].endswith("_at")
            stamps = [part for part in parts if isinstance(part, dict) and "logicalType" in part]
            assert bool(stamps) == is_time, where


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_element_of_an_array_takes_a_byte(kind: Any) -> None:
    # An element without bytes would let a few bytes claim 2^62 of them.
    for _, schema in pairs(kind):
        assert schema["fields"]
        assert '"null"' not in [
            json.dumps(field["type"].get("items"))
            for field in schema["fields"]
            if isinstance(field["type"], dict)
        ]


def test_ids_are_those_of_the_file_names() -> None:
    names = schema_names()
    assert len(set(SCHEMA_IDS.values())) == len(SCHEMA_IDS)
    for kind, schema_id in SCHEMA_IDS.items():
        expected = re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()
        assert names[schema_id] == expected
        assert schema_of(kind)["name"] == kind.__name__
        assert schema_of(kind)["namespace"] == "sightline"
        newest = max(each for each, name in names.items() if name == expected)
        assert schema_id == newest, f"{kind.__name__} is written with an older schema"
    assert set(names.values()) == {names[schema_id] for schema_id in SCHEMA_IDS.values()}


def test_released_ids_do_not_change() -> None:
    assert (SCHEMA_IDS[Frame], SCHEMA_IDS[Beat]) == (1, 2)
    assert sorted(SCHEMA_IDS.values())[:21] == list(range(1, 22))


def test_a_type_that_several_schemas_name_is_the_same_text_in_all() -> None:
    texts: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for kind in KINDS:
        parts = named(schema_of(kind), [])
        definitions = {part["name"]: part for part in parts}
        for part in parts:
            counts[part["name"]] = counts.get(part["name"], 0) + 1
            texts.setdefault(part["name"], set()).add(json.dumps(expanded(part, definitions)))
    differing = [name for name, found in texts.items() if len(found) > 1]
    assert differing == []
    assert counts["Trigger"] == 4 and counts["TrackReport"] == 4
    assert counts["FrameReference"] == 4 and counts["Candidate"] == 3


def expanded(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put the definition where a name stands: only the first use in a file spells it out."""
    if isinstance(schema, str):
        return expanded(definitions[schema], definitions) if schema in definitions else schema
    if isinstance(schema, list):
        return [expanded(part, definitions) for part in schema]
    changed = {"items": schema["items"]} if "items" in schema else {}
    changed |= {"type": schema["type"]} if schema["type"] not in ("record", "enum") else {}
    result = schema | {key: expanded(value, definitions) for key, value in changed.items()}
    if "fields" in schema:
        result["fields"] = [expanded(field, definitions) for field in schema["fields"]]
    return result
