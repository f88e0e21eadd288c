"""An event is notified once per target and state, whatever fails in between."""

from __future__ import annotations

import time
from dataclasses import replace

from consumers.notify.signing import verify
from tests.contract.consumers.consumer_parts import eventually
from tests.contract.notify.conftest import Start
from tests.contract.notify.house import SECRET, House
from tests.contract.notify.receivers import Hook


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
    told = [(one.json["data"]["event"]["event_id"], one.json["data"]["state"]) for one in found]
    assert told == [
        (event.event_id, "opened"),
        (event.event_id, "closed"),
        (other.event_id, "opened"),
    ]
    assert [one.json["data"]["number"] for one in found] == [1, 2, 3]
    eventually(lambda: len(house.deliveries("sent")) == 3)
