"""The Avro schemas as they stand in ``schemas/avro``, each file named ``<id>-<name>.avsc``.

A file of a released version never changes: a change of a record is a new file with the next free
id and the same name, and the older one stays, because messages with its id are still about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from schemas.errors import Rejected

_FILE_NAME = re.compile(r"([1-9][0-9]*)-([a-z0-9-]+)\.avsc")


def split_file_name(file_name: str) -> tuple[int, str] | None:
    """Return the id and the name in a schema's file name, or None where it is not one.

    >>> split_file_name("15-config-document.avsc")
    (15, 'config-document')
    """
    found = _FILE_NAME.fullmatch(file_name)
    return (int(found[1]), found[2]) if found else None


@cache
def schema_names() -> dict[int, str]:
    """Return the name of every schema by its id, older versions included."""
    return {
        schema_id: name
        for entry in files("schemas").joinpath("avro").iterdir()
        for schema_id, name in filter(None, [split_file_name(entry.name)])
    }


@cache
def schema_text(schema_id: int) -> str:
    """Return the Avro schema with this id as written.

    Raises:
        Rejected: no schema has this id.
    """
    name = schema_names().get(schema_id)
    if name is None:
        raise Rejected(f"schema id {schema_id} is unknown", reason="unknown-schema")
    path = files("schemas").joinpath("avro", f"{schema_id}-{name}.avsc")
    return path.read_text(encoding="utf-8")


def int_fields(record: str) -> frozenset[str]:
    """Return the fields of a named record whose Avro type has 32 bits."""
    return _int_fields().get(record, frozenset())


@cache
def _int_fields() -> dict[str, frozenset[str]]:
    return {
        record["name"]: frozenset(
            field["name"] for field in record["fields"] if "int" in _types(field["type"])
        )
        for schema_id in sorted(schema_names())
        for record in _records(json.loads(schema_text(schema_id)))
    }


def _types(schema: Any) -> list[Any]:
    return schema if isinstance(schema, list) else [schema]


def _records(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for part in schema:
            yield from _records(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "record":
            yield schema
            for field in schema["fields"]:
                yield from _records(field["type"])
        else:
            yield from _records(schema.get("items"))
