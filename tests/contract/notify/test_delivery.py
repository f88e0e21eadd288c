"""An event is notified once per target and state, whatever fails in between."""

from __future__ import annotations

import time
from dataclasses import replace

from consumers.notify.reading import TOPIC
from consumers.notify.signing import verify
from infra.runtime.kafka import RecordProducer
from infra.runtime.settings import Settings
from tests.contract.consumers import store_rows
from tests.contract.consumers.consumer_parts import dead_letters, eventually
from tests.contract.notify.conftest import Start
from tests.contract.notify.house import SECRET, House
from tests.contract.notify.receivers import Got, Hook


def states(found: list[Got]) -> list[tuple[str, str]]:
    return [(one.json["data"]["event"]["event_id"], one.json["data"]["state"]) for one in found]


def test_an_event_is_told_once_per_state_also_over_repeats_and_restarts(
    house: House, hook: Hook, start: Start
) -> None:
    target = house.webhook(hook.url)
    house.route(target, when={"states": ["opened", "closed"]})
    running = start()
    event = house.happen()
    (got,) = hook.wait(1)
    assert verify(got.body, got.headers["sightline-signature"], SECRET, int(time.time()))
    sent = got.json
    assert got.headers["content-type"].startswith("application/cloudevents+json")
    assert got.headers["idempotency-key"] == sent["id"]
    assert sent["specversion"] == "1.0" and sent["subject"].endswith(event.event_id)
    assert sent["data"]["url"] == f"https://cloud.example/events/{event.event_id}"
    assert "The depot" in sent["data"]["text"] and "CET" in sent["data"]["text"]

    updated = replace(event, state="updated", revision=2)
    house.send(event, updated, event)
    running.stop()
    house.send(event, replace(event, state="updated", revision=3))
    start()
    house.send(replace(event, state="closed", revision=4, closed_at=event.at + 1000))
    hook.wait(2)
    other = house.happen()
    found = hook.wait(3)
    opened, closed = (event.event_id, "opened"), (event.event_id, "closed")
    assert states(found) == [opened, closed, (other.event_id, "opened")]
    assert [one.json["data"]["number"] for one in found] == [1, 2, 3]
    eventually(lambda: len(house.deliveries("sent")) == 3)


def test_what_fails_comes_again_with_its_id_and_its_later_states_wait(
    house: House, hook: Hook, start: Start
) -> None:
    answers = iter([(503, {}), (429, {"Retry-After": "1"}), (204, {}), (204, {})])
    hook.answer = lambda _: next(answers)
    house.route(house.webhook(hook.url), when={"states": ["opened", "closed"]})
    start()
    event = house.event()
    house.send(event, replace(event, state="closed", revision=2, closed_at=event.at))
    found = hook.wait(4)
    assert [one.json["data"]["state"] for one in found] == ["opened"] * 3 + ["closed"]
    assert len({one.json["id"] for one in found[:3]}) == 1
    assert [one.json["data"]["attempt"] for one in found] == [1, 2, 3, 1]


def test_what_is_refused_is_a_dead_letter_at_once(house: House, hook: Hook, start: Start) -> None:
    hook.answer = lambda _: (302, {"Location": hook.url + "/elsewhere"})
    house.route(house.webhook(hook.url))
    start()
    house.happen()
    (dead,) = eventually(lambda: house.deliveries("dead"))
    assert "redirect" in dead["reason"]
    assert [one.path for one in hook.got] == ["/hook"]


def test_a_dead_target_delays_no_other_and_its_circuit_opens(
    house: House, hook: Hook, start: Start
) -> None:
    with Hook() as slow:
        slow.delay_s = 600.0
        broken = house.webhook("http://127.0.0.1:9/nobody")
        house.route(broken, house.webhook(slow.url), house.webhook(hook.url))
        start()
        for _ in range(6):
            house.happen()
        assert len(hook.wait(6)) == 6
        line = eventually(
            lambda: house.sql.execute(
                "SELECT * FROM notify_lines WHERE target_id = %s AND open_until IS NOT NULL",
                [broken],
            ).fetchone()
        )
        assert line["failures"] >= 5 and "does not answer" in line["problem"]
        assert not slow.got


def test_private_addresses_are_refused_unless_the_operator_allows_them(
    house: House, hook: Hook, start: Start
) -> None:
    port = hook.url.rpartition(":")[2]
    urls = [hook.url, f"http://localhost:{port}", f"http://[::ffff:127.0.0.1]:{port}"]
    house.route(*(house.webhook(url) for url in urls))
    start(notify_private="")
    house.happen()
    eventually(lambda: len(house.deliveries("dead")) == len(urls))
    assert all("not a public address" in one["reason"] for one in house.deliveries("dead"))
    assert not hook.got


def test_a_site_of_another_or_of_nobody_is_not_told_of(
    house: House, hook: Hook, start: Start, settings: Settings
) -> None:
    house.route(house.webhook(hook.url))
    other = House(settings)
    start()
    house.send(
        other.event(),
        store_rows.event("nobodys", site="unowned"),
        house.event(mode="shadow"),
        house.event(at=1_700_000_000_000, opened_at=1_700_000_000_000),
    )
    event = house.happen()
    hook.wait(1)
    assert states(hook.got) == [(event.event_id, "opened")]
    assert [one["reason"] for one in house.deliveries("skipped")] == ["too-old"]
    other.close()


def test_what_is_no_event_goes_to_the_dead_letters(
    house: House, hook: Hook, start: Start, settings: Settings
) -> None:
    house.route(house.webhook(hook.url))
    start()
    producer = RecordProducer(settings.cloud_kafka, "test")
    producer.send_raw(TOPIC, b"no avro", key="damaged")
    producer.flush()
    house.happen()
    hook.wait(1)
    (letter,) = eventually(lambda: dead_letters(settings.cloud_kafka, TOPIC, "damaged"))
    assert dict(letter.headers)["reason"] == b"wrong-magic"


def test_two_workers_share_the_work_and_send_nothing_twice(
    house: House, hook: Hook, start: Start
) -> None:
    house.route(house.webhook(hook.url), house.webhook(hook.url))
    start(worker="one")
    start(worker="two")
    events = [house.event() for _ in range(30)]
    house.send(*events)
    hook.wait(60)
    eventually(lambda: len(house.deliveries("sent")) == 60)
    assert len(hook.got) == 60 == len({one.json["id"] for one in hook.got})


def test_while_postgres_is_away_events_wait_in_kafka(
    house: House, hook: Hook, start: Start, stack: object
) -> None:
    from infra.local.stack import Stack

    assert isinstance(stack, Stack)
    house.route(house.webhook(hook.url))
    running = start()
    house.happen()
    hook.wait(1)
    stack.stop_part("postgres")
    house.happen()
    eventually(lambda: running.service.health().get("planning"))
    stack.start_part("postgres")
    hook.wait(2)
    eventually(lambda: not running.service.health())
    house.reconnect()
