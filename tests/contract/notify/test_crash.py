"""The one moment in which a message may come twice: after the answer, before it is noted."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from infra.runtime.settings import Settings
from tests.contract.consumers.consumer_parts import eventually
from tests.contract.notify.house import House
from tests.contract.notify.receivers import Hook
from tests.fixtures import ROOT


def test_killed_while_a_target_takes_it_the_same_message_comes_again(
    house: House, hook: Hook, settings: Settings
) -> None:
    house.route(house.webhook(hook.url), when={"states": ["opened", "closed"]})
    first = process(settings)
    try:
        event = house.happen()
        hook.wait(1)
        eventually(lambda: house.deliveries("sent"))
        hook.delay_s = 60.0
        closed = replace(event, state="closed", revision=2, closed_at=event.at + 1000)
        house.send(closed)
        eventually(lambda: house.deliveries("pending")[0:1] and house.deliveries()[1]["attempts"])
    finally:
        first.kill()
        first.wait()
    hook.delay_s = 0.0
    second = process(settings)
    try:
        eventually(lambda: len(house.deliveries("sent")) == 2)
        house.send(event, closed)
        later = house.happen()
        eventually(lambda: len(house.deliveries("sent")) == 3)
    finally:
        second.terminate()
        assert second.wait(60) == 0
    told = [one.json["data"] for one in hook.got]
    assert [(one["event"]["event_id"], one["state"], one["attempt"]) for one in told] == [
        (event.event_id, "opened", 1),
        (event.event_id, "closed", 2),
        (later.event_id, "opened", 1),
    ]


def process(settings: Settings) -> subprocess.Popen[bytes]:
    """Run the process as the product does."""
    return subprocess.Popen(
        [sys.executable, "-m", "infra.cli.main", "run", "notify"],
        cwd=ROOT,
        env={**os.environ, **settings.environment()},
        stderr=subprocess.DEVNULL,
    )
