from __future__ import annotations

import json

from consumers.documents.subjects import compact, full_name, subjects, versions_of
from schemas.files import schema_names, schema_text
from schemas.records import SCHEMA_IDS, Event, Frame


def test_every_schema_stands_under_its_record_in_the_order_of_ids() -> None:
    found = {v.schema_id for name, vs in subjects().items() if "-" not in name for v in vs}
    assert found == set(schema_names())
    for versions in subjects().values():
        assert [v.version for v in versions] == list(range(1, len(versions) + 1))
        assert [v.schema_id for v in versions] == sorted(v.schema_id for v in versions)
        assert len({full_name(v.schema_id) for v in versions}) == 1


def test_the_latest_version_is_the_one_that_is_written() -> None:
    for kind, schema_id in SCHEMA_IDS.items():
        assert subjects()[f"sightline.{kind.__name__}"][-1].schema_id == schema_id


def test_a_topic_of_one_kind_of_record_is_a_subject_and_no_site_is_named() -> None:
    assert subjects()["up.events-value"][-1].schema_id == SCHEMA_IDS[Event]
    assert "frames-value" not in subjects()
    assert "down.global.models-value" not in subjects(), "it holds two kinds of record"
    assert not any(name.startswith("down.") for name in subjects())


def test_a_schema_says_where_it_stands() -> None:
    places = {(v.subject, v.version) for v in versions_of(SCHEMA_IDS[Event])}
    assert places == {("sightline.Event", 1), ("up.events-value", 1)}
    assert versions_of(0) == []


def test_compact_means_the_same() -> None:
    text = compact(SCHEMA_IDS[Frame])
    assert json.loads(text) == json.loads(schema_text(SCHEMA_IDS[Frame])) and "\n" not in text
