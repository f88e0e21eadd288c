from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from schemas.compatibility import compare
from schemas.files import schema_names, schema_text

FILE = "8-event.avsc"
NEXT = "22-event.avsc"
EVENT: dict[str, Any] = {
    "type": "record",
    "name": "Event",
    "namespace": "sightline",
    "fields": [
        {"name": "event_id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "chunk", "type": "int"},
        {
            "name": "state",
            "type": {"type": "enum", "name": "EventState", "symbols": ["opened", "closed"]},
        },
        {"name": "track", "type": ["null", "string"], "default": None},
        {"name": "boxes", "type": {"type": "array", "items": "double"}},
        {"name": "note", "type": "string", "default": ""},
    ],
}
Change = Callable[[dict[str, dict[str, Any]], list[dict[str, Any]]], object]


def changed(change: Change) -> str:
    schema = copy.deepcopy(EVENT)
    change({field["name"]: field for field in schema["fields"]}, schema["fields"])
    return json.dumps(schema)


def found(change: Change, file: str = FILE) -> list[str]:
    """Return the reasons against a change, all of which must name ``file``."""
    before = {FILE: json.dumps(EVENT)}
    after = {**before, file: changed(change)}
    incompatibilities = compare(before, after)
    assert all(each.file == file for each in incompatibilities)
    return [each.reason for each in incompatibilities]


def todays() -> dict[str, str]:
    return {f"{number}-{name}.avsc": schema_text(number) for number, name in schema_names().items()}


def test_todays_schemas_are_compatible_with_themselves() -> None:
    assert len(todays()) >= 21
    assert compare(todays(), todays()) == []


BREAKING: dict[str, tuple[Change, tuple[str, ...]]] = {
    "a new field without a default": (
        lambda by, all_: all_.append({"name": "rule", "type": "string"}),
        ("new readers", "reader field missing default value (rule)"),
    ),
    "a removed field without a default": (
        lambda by, all_: all_.remove(by["chunk"]),
        ("old readers", "reader field missing default value (chunk)"),
    ),
    "a renamed field": (
        lambda by, all_: by["event_id"].update(name="id"),
        ("new readers", "old readers"),
    ),
    "a wider number": (
        lambda by, all_: by["chunk"].update(type="long"),
        ("old readers", "type mismatch"),
    ),
    "a narrower number": (
        lambda by, all_: by["at"].update(type="int"),
        ("new readers", "type mismatch"),
    ),
    "another type": (
        lambda by, all_: by["event_id"].update(type="double"),
        ("new readers", "old readers", "type mismatch"),
    ),
    "a symbol more": (
        lambda by, all_: by["state"]["type"]["symbols"].append("updated"),
        ("old readers", "missing enum symbols", "updated"),
    ),
    "a symbol less": (
        lambda by, all_: by["state"]["type"]["symbols"].remove("closed"),
        ("new readers", "missing enum symbols", "closed"),
    ),
    "null allowed": (
        lambda by, all_: by["event_id"].update(type=["null", "string"], default=None),
        ("old readers",),
    ),
    "null no longer allowed": (
        lambda by, all_: by["track"].update(type="string", default=""),
        ("new readers",),
    ),
    "another element": (
        lambda by, all_: by["boxes"]["type"].update(items="string"),
        ("new readers", "old readers", "type mismatch"),
    ),
    "a union more": (
        lambda by, all_: by["track"].update(type=["null", "string", "long"]),
        ("old readers", "missing union branch"),
    ),
}


@pytest.mark.parametrize("file", [FILE, NEXT])
@pytest.mark.parametrize("what", BREAKING)
def test_a_breaking_change_is_found(what: str, file: str) -> None:
    change, words = BREAKING[what]
    reasons = "\n".join(found(change, file))
    for word in words:
        assert word in reasons
    assert sum(side in reasons for side in ("new readers", "old readers")) == len(
        [word for word in words if word.endswith("readers")]
    )


SAFE_UNDER_A_NEW_ID: dict[str, Change] = {
    "a new field with a default": lambda by, all_: all_.append(
        {"name": "rule", "type": "string", "default": ""}
    ),
    "a removed field with a default": lambda by, all_: all_.remove(by["note"]),
    "another order of fields": lambda by, all_: all_.reverse(),
}


@pytest.mark.parametrize("what", SAFE_UNDER_A_NEW_ID)
def test_a_safe_change_needs_an_id_of_its_own(what: str) -> None:
    change = SAFE_UNDER_A_NEW_ID[what]
    assert found(change, NEXT) == []
    (reason,) = found(change, FILE)
    assert "bytes of an id that is in use" in reason and "next free id" in reason


def test_another_meaning_of_the_same_bytes_is_found() -> None:
    (reason,) = found(lambda by, all_: by["at"].update(type="long"))
    assert "bytes of an id that is in use" in reason


@pytest.mark.parametrize(
    "change",
    [
        lambda by, all_: by["at"].update(type="long"),
        lambda by, all_: by["at"]["type"].update(logicalType="timestamp-micros"),
        lambda by, all_: by["chunk"].update(type={"type": "int", "logicalType": "date"}),
    ],
    ids=["gone", "another", "new"],
)
def test_a_new_id_may_not_change_the_meaning_of_a_field(change: Change) -> None:
    (reason,) = found(change, NEXT)
    assert "logical type of Event." in reason and "a field of its own" in reason


@pytest.mark.parametrize(
    "change",
    [
        lambda by, all_: by["note"].update(doc="What a person wrote."),
        lambda by, all_: by["note"].update(default="none"),
        lambda by, all_: by["event_id"].update(default=""),
    ],
    ids=["doc", "default", "new default"],
)
def test_what_is_not_in_the_bytes_may_change(change: Change) -> None:
    assert found(change) == []


def test_a_file_that_is_gone_is_found() -> None:
    (only,) = compare({FILE: json.dumps(EVENT)}, {})
    assert only.file == FILE and "restore" in only.reason


def test_a_new_record_is_free() -> None:
    before = {FILE: json.dumps(EVENT)}
    fresh = json.dumps({**EVENT, "name": "Alarm"})
    assert compare(before, {**before, "22-alarm.avsc": fresh}) == []


def test_an_id_belongs_to_one_file() -> None:
    before = {FILE: json.dumps(EVENT)}
    (only,) = compare(before, {**before, "8-alarm.avsc": json.dumps({**EVENT, "name": "Alarm"})})
    assert "has the id of" in only.reason


@pytest.mark.parametrize("text", ["", "{", "5", '{"type": "record"}', '{"type": "what"}'])
def test_what_is_no_schema_is_found(text: str) -> None:
    (only,) = compare({FILE: json.dumps(EVENT)}, {FILE: text})
    assert only.file == FILE and "no Avro schema" in only.reason


def test_a_file_name_without_an_id_is_found() -> None:
    (only,) = compare({}, {"event.avsc": json.dumps(EVENT)})
    assert "not named" in only.reason


def test_findings_come_in_the_order_of_ids() -> None:
    files = {f"{number}-x{number}.avsc": json.dumps(EVENT) for number in (10, 2, 1)}
    assert [each.file for each in compare(files, {})] == [
        "1-x1.avsc",
        "2-x2.avsc",
        "10-x10.avsc",
    ]
