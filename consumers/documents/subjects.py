"""The schemas of ``schemas/avro`` as a Schema Registry names them: subjects and their versions. Pure.

Each record is a subject by its full name, such as ``sightline.Event``; a topic that holds one kind
of record is one too, ``up.events-value``, because that is where clients look first. Versions count
from 1 in the order of the ids. Topics of single sites are not named: this list is public.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from schemas.files import schema_names, schema_text
from schemas.records import SCHEMA_IDS
from schemas.topics import cloud_topics


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a subject."""

    subject: str
    version: int
    """From 1."""
    schema_id: int

    @property
    def schema(self) -> str:
        """The schema as JSON without spaces."""
        return compact(self.schema_id)


@cache
def subjects() -> dict[str, tuple[Version, ...]]:
    """Return every subject with its versions, oldest first.

    >>> [version.schema_id for version in subjects()["up.events-value"]]
    [8]
    """
    ids_of: dict[str, list[int]] = {}
    for schema_id, name in sorted(schema_names().items()):
        ids_of.setdefault(name, []).append(schema_id)
    kinds = {kind: ids_of[schema_names()[schema_id]] for kind, schema_id in SCHEMA_IDS.items()}
    named = {full_name(ids[-1]): ids for ids in kinds.values()} | {
        f"{topic.name}-value": kinds[topic.records[0]]
        for topic in cloud_topics()
        if len(topic.records) == 1
    }
    return {
        subject: tuple(Version(subject, number, one) for number, one in enumerate(ids, 1))
        for subject, ids in sorted(named.items())
    }


def versions_of(schema_id: int) -> list[Version]:
    """Return where a schema stands, by subject; empty: there is no such schema."""
    return [
        version
        for versions in subjects().values()
        for version in versions
        if version.schema_id == schema_id
    ]


@cache
def compact(schema_id: int) -> str:
    """Return a schema as JSON without spaces.

    Raises:
        Rejected: no schema has this id.
    """
    return json.dumps(json.loads(schema_text(schema_id)), separators=(",", ":"))


@cache
def full_name(schema_id: int) -> str:
    """Return the full name of a schema's record.

    >>> full_name(8)
    'sightline.Event'
    """
    schema = json.loads(schema_text(schema_id))
    return f"{schema['namespace']}.{schema['name']}"
