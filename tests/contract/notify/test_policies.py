"""Routes, mutes, escalations, digests and rate limits, as they work together."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from tests.contract.consumers import store_rows
from tests.contract.consumers.consumer_parts import eventually
from tests.contract.notify.conftest import Start
from tests.contract.notify.house import House
from tests.contract.notify.receivers import Hook


def test_a_route_chooses_and_two_routes_to_one_target_are_one_message(
    house: House, hook: Hook, start: Start
) -> None:
    target = house.webhook(hook.url)
    house.route(target, when={"severities": ["alert"], "rules": ["intrusion"]})
    house.route(target, when={"cameras": [{"site": house.site, "camera": "gate"}]}, digest_s=60)
    house.route(target, when={"sites": ["elsewhere"]})
    start()
    house.send(
        house.event(severity="info", camera="yard"),
        house.event(rule="loitering", camera="yard"),
        wanted := house.event(),
    )
    hook.wait(1)
    eventually(lambda: house.deliveries("sent"))
    assert [one["event_id"] for one in house.deliveries()] == [wanted.event_id]


def test_a_mute_silences_for_good(house: House, hook: Hook, start: Start) -> None:
    house.route(house.webhook(hook.url))
    house.sql.execute(
        "INSERT INTO notify_mutes (organisation_id, site, camera, until, created_by) "
        "VALUES (%s, %s, 'gate', %s, 'eve')",
        [house.organisation, house.site, datetime.now(UTC) + timedelta(hours=1)],
    )
    start()
    silent = house.happen()
    heard = house.happen(camera="yard")
    hook.wait(1)
    assert hook.got[0].json["data"]["event"]["event_id"] == heard.event_id
    (muted,) = eventually(lambda: house.deliveries("muted"))
    assert muted["event_id"] == silent.event_id
    house.sql.execute("DELETE FROM notify_mutes WHERE organisation_id = %s", [house.organisation])
    house.send(silent)
    house.happen(camera="yard")
    hook.wait(2)
    assert len(house.deliveries("muted")) == 1


def test_who_comes_next_is_told_unless_somebody_acknowledges(
    house: House, hook: Hook, start: Start
) -> None:
    with Hook() as boss:
        steps = {"after_s": 30, "targets": [str(house.webhook(boss.url))]}
        house.route(house.webhook(hook.url), escalation=house.escalation(steps))
        start()
        taken, ignored = house.event(), house.event()
        for event in (taken, ignored):
            store_rows.upsert(house.sql, "events", event)
        house.send(taken, ignored)
        hook.wait(2)
        house.sql.execute(
            "UPDATE events SET handling = 'acknowledged' WHERE event_id = %s", [taken.event_id]
        )
        # Half a minute passes.
        house.sql.execute(
            "UPDATE notify_deliveries SET due_at = now() WHERE organisation_id = %s "
            "AND event_state = 'escalated'",
            [house.organisation],
        )
        (got,) = boss.wait(1)
        assert got.json["data"]["event"]["event_id"] == ignored.event_id
        assert "Nobody has acknowledged" in got.json["data"]["text"]
        (cancelled,) = eventually(lambda: house.deliveries("cancelled"))
        assert (cancelled["event_id"], cancelled["reason"]) == (taken.event_id, "acknowledged")
        assert len(boss.got) == 1


def test_a_digest_is_one_message(house: House, hook: Hook, start: Start) -> None:
    house.route(house.webhook(hook.url), digest_s=3600)
    start()
    events = [house.event(rule=f"rule-{number % 2}") for number in range(30)]
    house.send(*events)
    eventually(lambda: len(house.deliveries("collecting")) == 30)
    # An hour passes.
    house.sql.execute(
        "UPDATE notify_deliveries SET due_at = now() WHERE organisation_id = %s "
        "AND place = (SELECT min(place) FROM notify_deliveries WHERE organisation_id = %s)",
        [house.organisation, house.organisation],
    )
    (got,) = hook.wait(1)
    data = got.json["data"]
    assert got.json["type"].endswith(".digest")
    assert (data["count"], len(data["events"]), data["title"]) == (30, 20, "30 events collected")
    assert "and 10 more" in data["text"]
    (digest,) = eventually(lambda: house.deliveries("sent"))
    members = house.deliveries("collected")
    assert {one["told_in"] for one in members} == {digest["delivery_id"]} and len(members) == 30


def test_what_a_rate_limit_holds_back_is_told_in_one_message(
    house: House, hook: Hook, start: Start
) -> None:
    house.route(house.webhook(hook.url, rate=(2, 5)))
    start()
    for _ in range(3):
        house.send(*(house.event() for _ in range(4)))
        time.sleep(0.3)
    found = hook.wait(3)
    kinds = [one.json["type"].rpartition(".")[2] for one in found]
    assert kinds[:3] == ["event", "event", "summary"]
    assert found[2].json["data"]["title"] == f"{found[2].json['data']['count']} events held back"
    told = eventually(
        lambda: (
            len(house.deliveries("collected"))
            + sum(one.json["type"].endswith(".event") for one in hook.got)
            == 12
        )
    )
    assert told


def test_the_picture_is_waited_for_a_moment(house: House, hook: Hook, start: Start) -> None:
    house.route(house.webhook(hook.url), snapshot_wait_s=30)
    start()
    event = house.happen()
    eventually(lambda: house.deliveries("pending"))
    house.picture(event.event_id)
    (got,) = hook.wait(1)
    link = urlsplit(got.json["data"]["snapshot_url"])
    assert link.netloc == "objects.example" and link.path == f"/evidence/{house.site}/picture"
    assert parse_qs(link.query)["X-Amz-Expires"] == ["1800"]
    house.sql.execute(
        "UPDATE notify_routes SET document = jsonb_set(document, '{snapshot_wait_s}', '1') "
        "WHERE organisation_id = %s",
        [house.organisation],
    )
    house.happen()
    assert hook.wait(2)[1].json["data"]["snapshot_url"] is None
