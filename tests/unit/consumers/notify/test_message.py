from __future__ import annotations

import orjson
import pytest

from consumers.notify.message import collected_text, collected_title, text_of, title_of
from consumers.notify.occurrence import Occurrence, Owner, delivery_id, occurrence
from consumers.notify.targets.web_push import MAX_PAYLOAD_BYTES, payload
from consumers.notify.targets.webhook import cloud_event
from schemas.records import Event
from tests.contract.consumers import store_rows
from tests.unit.consumers.notify.notices import happened, message, named


def test_a_message_says_what_where_when_and_how_sure() -> None:
    text = text_of(happened(), "opened")
    for part in ("intrusion", "The depot", "gate", "2023-11-14 23:13:20 CET", "person", "0.93"):
        assert part in text
    assert "Level: 2 of 4" in text and "Until" not in text
    closed = happened(closed_at=1_700_000_060_000, level=None, class_name=None)
    assert "Until: 2023-11-14 23:14:20 CET" in text_of(closed, "closed")
    assert "Level" not in text_of(closed, "closed")
    assert "Nobody has acknowledged" in text_of(happened(), "escalated")
    assert title_of(happened(), "opened") == "Alert: intrusion at The depot, gate: person"
    assert title_of(happened(severity="info"), "closed").endswith("person (over)")


def test_what_a_site_sends_cannot_break_a_line() -> None:
    evil = happened(rule="a\r\nBcc: x", class_name="b\x1b[31m" + "y" * 10_000)
    assert title_of(evil, "opened").isprintable() and len(title_of(evil, "opened")) <= 500
    assert len(text_of(evil, "opened").splitlines()) == len(
        text_of(happened(), "opened").splitlines()
    )


def test_a_digest_counts_and_lists() -> None:
    items = [happened(rule=f"rule-{number % 2}") for number in range(20)]
    text = collected_text(items, 50)
    assert "10 x rule-0 at The depot, gate" in text and "and 30 more" in text
    assert collected_title("summary", 1) == "1 event held back"


def event(**changes: object) -> Event:
    return store_rows.event("e-1", **changes)


@pytest.mark.parametrize(
    ("provenance", "level"),
    [
        ('[{"level": {"level": 1}}, {"level": {"level": 3}}]', 3),
        ("[]", None),
        ("{}", None),
        ("no json", None),
        ('[1, {"level": 2}, {"level": {"level": "x"}}]', None),
    ],
)
def test_the_level_is_the_highest_of_its_candidates(provenance: str, level: int | None) -> None:
    owner = Owner(organisation_id=named("o"), site_name="", timezone="UTC")
    found = occurrence(event(provenance=provenance), owner)
    assert found.level == level and found.site_name == found.site
    assert Occurrence.of_document(orjson.loads(orjson.dumps(found.document()))) == found


def test_an_id_is_that_of_what_is_told() -> None:
    ids = {
        delivery_id(named(owner), named(target), *parts)
        for owner in "ab"
        for target in "ab"
        for parts in (("e", "opened"), ("e", "closed"), ("eopened", ""))
    }
    assert len(ids) == 12
    assert delivery_id(named("a"), named("b"), "e", "opened") in ids


def test_what_is_pushed_is_small_enough_for_every_service() -> None:
    assert orjson.loads(payload(message()))["tag"]
    for rule in ("r" * 5000, "é" * 5000, "\U0001f600" * 5000):
        big = message(rule=rule, site_name=rule, class_name=rule)
        assert len(payload(big)) <= MAX_PAYLOAD_BYTES


def test_a_cloud_event_is_the_same_at_every_try() -> None:
    first, second = cloud_event(message(), "https://x"), cloud_event(message(), "https://x")
    assert first.get_id() == second.get_id()
    assert first.get_type() == "io.sightline.notification.event"
