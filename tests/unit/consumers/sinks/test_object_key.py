from __future__ import annotations

from typing import Any

import pytest

from consumers.sinks.objects import ObjectStore, object_key
from schemas.errors import Fatal, Rejected
from tests.unit.consumers.evidence_records import evidence_record


def test_the_key_tells_site_day_subject_and_content() -> None:
    record = evidence_record()
    assert object_key(record) == (
        f"depot-7/2023/11/14/e-1/{record.evidence_id}-{record.sha256[:16]}.jpg"
    )
    clip = evidence_record(event_id=None, candidate_id="c-9", content_type="video/mp4")
    assert "/c-9/" in object_key(clip) and object_key(clip).endswith(".mp4")


def test_other_content_never_takes_an_objects_place() -> None:
    assert object_key(evidence_record(b"one")) != object_key(evidence_record(b"other"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"site": "../other"}, "bad-id"),
        ({"site": ""}, "bad-id"),
        ({"event_id": "a/../../b"}, "bad-id"),
        ({"event_id": None}, "bad-id"),
        ({"evidence_id": ".."}, "bad-id"),
        ({"camera": "gaté"}, "bad-id"),
        ({"content_type": "text/html"}, "bad-type"),
        ({"from_at": 10**18}, "bad-time"),
    ],
)
def test_what_must_not_stand_in_a_key_is_rejected(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        object_key(evidence_record(**changes))
    assert refused.value.reason == reason


@pytest.mark.parametrize("url", ["", "storage:9000", "ftp://storage"])
def test_an_address_that_is_no_url_ends_the_process_and_shows_no_secret(url: str) -> None:
    with pytest.raises(Fatal) as ended:
        ObjectStore(url, "key", "secret-word", "evidence")
    assert "SIGHTLINE_S3_URL" in str(ended.value) and "secret-word" not in str(ended.value)
