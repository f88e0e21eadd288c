"""Whether today's schemas can live beside those of an earlier version.

Sites and the cloud upgrade at different times, and topics keep messages for weeks, so a changed
record must be readable by old readers and old records by new ones. Avro's own rules decide that
(the ``avro`` package's compatibility check, in both directions). They pass over logical types,
so a field must keep its own here: milliseconds are never read as something else. Two rules more
come from ids that are fixed in file names: a released id stays, and what it says about the bytes
never changes; a changed record is a new file with the next free id and the same name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import AvroException

from schemas.files import split_file_name

_CHANGED_BYTES = (
    "changes the bytes of an id that is in use; "
    "restore the file and save the change under the next free id"
)
_NOT_IN_THE_BYTES = frozenset({"doc", "default", "aliases", "order"})


@dataclass(frozen=True)
class Incompatibility:
    """One reason why a schema file cannot be released; ``reason`` is for a person."""

    file: str
    reason: str


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> list[Incompatibility]:
    """Return every incompatibility between two sets of schemas, ordered by file.

    Both map a file's name (``<id>-<name>.avsc``) to its text; ``before`` is what was released.
    """
    parsed, found = _parse(after)
    found += _shared_ids(after)
    newest = _newest(parsed)
    for file, text in before.items():
        if file not in after:
            found.append(
                Incompatibility(
                    file, "is gone, but messages with its id are still about; restore the file"
                )
            )
            continue
        if file not in parsed:
            continue
        old = avro.schema.parse(text)
        reasons = _both_ways(old, parsed[file])
        if not reasons and _bytes_of(text) != _bytes_of(after[file]):
            reasons = [_CHANGED_BYTES]
        latest = newest[_name(file)]
        if latest != file and latest not in before:
            found += [Incompatibility(latest, reason) for reason in _both_ways(old, parsed[latest])]
            changed = _changed_meanings(text, after[latest])
            found += [Incompatibility(latest, reason) for reason in changed]
        found += [Incompatibility(file, reason) for reason in reasons]
    return sorted(set(found), key=lambda each: (_id(each.file), each.file, each.reason))


def _parse(files: Mapping[str, str]) -> tuple[dict[str, Any], list[Incompatibility]]:
    parsed, found = {}, []
    for file, text in files.items():
        if split_file_name(file) is None:
            found.append(Incompatibility(file, "is not named <id>-<name>.avsc"))
            continue
        try:
            parsed[file] = avro.schema.parse(text)
        except (AvroException, json.JSONDecodeError) as error:
            found.append(Incompatibility(file, f"is no Avro schema: {error}"))
    return parsed, found


def _shared_ids(files: Mapping[str, str]) -> list[Incompatibility]:
    owners: dict[int, str] = {}
    found = []
    for file in sorted(files):
        parts = split_file_name(file)
        if parts is not None and owners.setdefault(parts[0], file) != file:
            found.append(Incompatibility(file, f"has the id of {owners[parts[0]]}"))
    return found


def _newest(files: Mapping[str, Any]) -> dict[str, str]:
    return {_name(file): file for file in sorted(files, key=_id)}


def _id(file: str) -> int:
    parts = split_file_name(file)
    return parts[0] if parts else 0


def _name(file: str) -> str:
    parts = split_file_name(file)
    return parts[1] if parts else file


def _both_ways(old: Any, new: Any) -> list[str]:
    return [
        f"{who}: {message} at {where}"
        for who, reader, writer in (
            ("new readers cannot read old records", new, old),
            ("old readers cannot read new records", old, new),
        )
        for message, where in _faults(reader, writer)
    ]


def _faults(reader: Any, writer: Any) -> list[tuple[str, str]]:
    make_checker: Any = ReaderWriterCompatibilityChecker
    result = make_checker().get_compatibility(reader, writer)
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    kinds = ", ".join(sorted({kind.value.replace("_", " ") for kind in result.incompatibilities}))
    return [
        (f"{kinds} ({', '.join(sorted(result.messages))})", ", ".join(sorted(result.locations)))
    ]


def _changed_meanings(old: str, new: str) -> list[str]:
    before, after = (dict(_meanings(json.loads(text), "")) for text in (old, new))
    return [
        f"the logical type of {where} was {before[where]} and is {after[where]}; "
        "keep it, and give the new meaning a field of its own"
        for where in sorted(before.keys() & after.keys())
        if before[where] != after[where]
    ]


def _meanings(schema: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield (``Record.field``, its logical type or ``none``) for every field in a schema."""
    if isinstance(schema, list):
        for part in schema:
            yield from _meanings(part, where)
    elif isinstance(schema, dict) and schema["type"] == "record":
        for field in schema["fields"]:
            yield from _meanings(field["type"], f"{schema['name']}.{field['name']}")
    elif isinstance(schema, dict) and schema["type"] == "array":
        yield from _meanings(schema["items"], where)
    elif schema != "null":
        yield where, schema.get("logicalType", "none") if isinstance(schema, dict) else "none"


def _bytes_of(text: str) -> Any:
    """Return what of a schema decides the bytes or their meaning: its logical types included."""
    return _stripped(json.loads(text))


def _stripped(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: _stripped(value) for key, value in schema.items() if key not in _NOT_IN_THE_BYTES
        }
    if isinstance(schema, list):
        return [_stripped(part) for part in schema]
    return schema
