"""Every record as it is today, broken in every single place: the check must find each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from schemas.compatibility import compare
from schemas.files import schema_names, schema_text
from tests.unit.schemas.test_records import named

FILES = {
    f"{number}-{name}.avsc": schema_text(number) for number, name in sorted(schema_names().items())
}
NEXT_ID = max(schema_names()) + 1
OTHER_TYPE = {
    "boolean": "int",
    "bytes": "int",
    "double": "long",
    "int": "long",
    "long": "string",
    "string": "double",
}
Breaking = Callable[[dict[str, Any]], object]


def breaking_changes(part: dict[str, Any]) -> Iterator[tuple[str, Breaking]]:
    """Yield (name, change) for a record or an enumeration; each makes one side unreadable."""
    if part["type"] == "enum":
        yield f"{part['name']} with a symbol more", lambda enum: enum["symbols"].append("another")
        yield f"{part['name']} with a symbol less", lambda enum: enum["symbols"].pop()
        return
    fresh = {"name": "fresh", "type": "string"}
    yield f"{part['name']} with a field more", lambda record: record["fields"].append(fresh)
    for place, field in enumerate(part["fields"]):
        where = f"{part['name']}.{field['name']}"

        def rename(record: dict[str, Any], place: int = place) -> None:
            record["fields"][place]["name"] = "renamed"

        def retype(record: dict[str, Any], place: int = place) -> None:
            record["fields"][place]["type"] = OTHER_TYPE[record["fields"][place]["type"]]

        if "default" not in field:
            yield f"{where} renamed", rename
        if isinstance(field["type"], str) and field["type"] in OTHER_TYPE:
            yield f"{where} retyped", retype


@pytest.mark.parametrize("file", list(FILES))
def test_a_break_anywhere_in_a_record_is_found(file: str) -> None:
    text = FILES[file]
    newer = f"{NEXT_ID}-{file.split('-', 1)[1]}"
    tried = 0
    for index, part in enumerate(named(json.loads(text), [])):
        for what, change in breaking_changes(part):
            schema = json.loads(text)
            change(named(schema, [])[index])
            broken = json.dumps(schema)
            for after in ({file: broken}, {file: text, newer: broken}):
                reasons = [found.reason for found in compare({file: text}, after)]
                assert any("cannot read" in reason for reason in reasons), (what, reasons)
            tried += 1
    assert tried >= len(json.loads(text)["fields"])
