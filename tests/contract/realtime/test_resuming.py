"""What a client missed is told in order, once, by whichever process it comes back to."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from websockets.sync.client import ClientConnection

from consumers.realtime import tail
from consumers.realtime.admission import Limits
from infra.runtime.settings import Settings
from tests.access_helpers import Account
from tests.contract.realtime.stream_parts import WAIT_S, Process, Site, new_id, read, take

Named = tuple[str, int]


@pytest.fixture(params=["memory", "Kafka"])
def restart(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, start: Callable[[], Process]
) -> Callable[[], Process]:
    """Starts another process; one that holds what is missing in memory, or must read it back."""

    def begin() -> Process:
        if request.param == "Kafka":
            monkeypatch.setattr(tail, "BACK", 0)
        return start()

    return begin


def life(site: Site, events: int) -> list[Named]:
    """Let events open, change and close, in turns; return (id, revision) as sent."""
    ids = [new_id() for _ in range(events)]
    for revision, state in enumerate(("opened", "updated", "closed"), 1):
        for event_id in ids:
            site.queue(event_id, revision=revision, state=state)
    site.producer.flush()
    return [(event_id, revision) for revision in (1, 2, 3) for event_id in ids]


def by_event(named: list[Named]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for event_id, revision in named:
        found.setdefault(event_id, []).append(revision)
    return found


def told(client: ClientConnection) -> Iterator[tuple[str, Named]]:
    """Yield (position, (id, revision)) of each event."""
    while True:
        message = read(client, "event")
        event = message["event"]
        yield message["position"], (event["event_id"], event["revision"])


def test_a_socket_goes_on_at_another_process(
    start: Callable[[], Process], restart: Callable[[], Process], site: Site, owner: Account
) -> None:
    first = start()
    with first.socket(owner.key) as client:
        read(client, "ready")
        sent = life(site, 20)
        seen = list(itertools.islice(told(client), 17))
    first.stop()
    position = seen[-1][0]
    sent += life(site, 20)
    second = restart()
    with second.socket(owner.key, resume=position) as client:
        read(client, "ready")
        rest = [named for _, named in itertools.islice(told(client), len(sent) - len(seen))]
        last = site.event()
        assert next(told(client))[1] == (last.event_id, 1)
    assert by_event([named for _, named in seen] + rest) == by_event(sent)


def test_a_client_hops_between_processes_at_every_event(
    start: Callable[[], Process], site: Site, owner: Account
) -> None:
    """Each has read the partitions in another order, and may be behind or ahead of the other."""
    processes = [start(), start()]
    with processes[0].socket(owner.key) as client:
        position = read(client, "ready")["position"]
    sent = life(site, 8)
    found: list[Named] = []
    for number in range(len(sent)):
        with processes[number % 2].socket(owner.key, resume=position) as client:
            read(client, "ready")
            position, named = next(told(client))
            found.append(named)
    assert by_event(found) == by_event(sent)


def test_an_event_source_goes_on_by_its_last_event_id(
    start: Callable[[], Process], restart: Callable[[], Process], site: Site, owner: Account
) -> None:
    first = start()
    with first.events(owner.key) as events:
        next(events)
        sent = [(site.event().event_id, 1) for _ in range(5)]
        seen = take(events, 2)
    first.stop()
    last = {**owner.key, "Last-Event-ID": seen[-1][0]}
    with restart().events(last) as events:
        rest = take(events, 3)
    # In no order among themselves: they lie in different partitions.
    assert sorted((event["event_id"], event["revision"]) for _, event in seen + rest) == sorted(
        sent
    )


def test_what_is_missed_is_filtered_as_what_happens(
    start: Callable[[], Process], restart: Callable[[], Process], site: Site, owner: Account
) -> None:
    with start().socket(owner.key) as client:
        position = read(client, "ready")["position"]
    wanted = []
    for severity in ("alert", "info", "warning", "alert"):
        sent = site.event(severity=severity)
        if severity == "alert":
            wanted.append((sent.event_id, 1))
    with restart().socket(owner.key, resume=position, severity="alert") as client:
        read(client, "ready")
        assert sorted(named for _, named in itertools.islice(told(client), 2)) == sorted(wanted)


def test_events_that_happen_during_the_way_back_come_behind_it(
    start: Callable[[], Process],
    monkeypatch: pytest.MonkeyPatch,
    site: Site,
    owner: Account,
) -> None:
    """So many that the way back takes a while, and more than a process holds in memory."""
    with start().socket(owner.key) as client:
        position = read(client, "ready")["position"]
    sent = life(site, 1000)
    monkeypatch.setattr(tail, "BACK", 10)
    second = start()
    second.app.state.hub.limits = Limits(entries_of_one=1000)
    found: list[Named] = []
    with second.socket(owner.key, resume=position) as client:
        read(client, "ready")
        for _, named in told(client):
            found.append(named)
            if len(found) in (100, 2000):
                sent += life(site, 50)
            if len(found) == len(sent):
                break
    assert by_event(found) == by_event(sent)


def test_a_token_of_nobody_resets(server: Process, site: Site, owner: Account) -> None:
    for token in ("nonsense", "x" * 3000):
        with server.socket(owner.key, resume=token) as client:
            reset = read(client, "reset")
            assert reset["reason"] == "unknown-position"
            assert reset["position"]
            read(client, "ready")
            sent = site.event()
            assert next(told(client))[1] == (sent.event_id, 1)


def test_what_is_no_longer_kept_resets(
    start: Callable[[], Process],
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    site: Site,
    owner: Account,
) -> None:
    with start().socket(owner.key) as client:
        position = read(client, "ready")["position"]
    life(site, 30)
    # As retention does after a month.
    admin = AdminClient({"bootstrap.servers": settings.cloud_kafka})
    everything = [TopicPartition("up.events", partition, -1) for partition in range(12)]
    for future in admin.delete_records(everything).values():
        future.result()
    monkeypatch.setattr(tail, "BACK", 0)
    with start().socket(owner.key, resume=position) as client:
        read(client, "ready")
        assert read(client, "reset")["reason"] == "too-old"
        sent = site.event()
        assert next(told(client))[1] == (sent.event_id, 1)


def test_a_client_that_listens_too_slowly_is_told_where_to_resume(
    start: Callable[[], Process], site: Site, owner: Account
) -> None:
    server = start()
    server.app.state.hub.limits = Limits(entries_of_one=200)
    with (
        server.socket(owner.key, ahead=1) as slow,
        server.socket(owner.key, severity="info") as quick,
    ):
        read(slow, "ready")
        read(quick, "ready")
        # More than all buffers between the two hold.
        for _ in range(3000):
            site.queue(class_name="x" * 10_000)
        site.event(severity="info")
        read(quick, "event")
        found: list[Named] = []
        rest: list[Named] = []
        lags: list[dict[str, Any]] = []
        # It may fall behind more than once while it reads what waits for it.
        while len(found) + len(rest) + sum(lag["dropped"] for lag in lags) < len(site.sent):
            message = json.loads(slow.recv(WAIT_S))
            if message["type"] == "lagged":
                lags.append(message)
            elif message["type"] == "event":
                event = message["event"]
                (rest if lags else found).append((event["event_id"], event["revision"]))
    sent = [(event.event_id, event.revision) for event in site.sent]
    assert lags
    assert all(lag["dropped"] > 0 for lag in lags)
    assert set(found).isdisjoint(rest)
    with server.socket(owner.key, resume=lags[0]["position"]) as client:
        read(client, "ready")
        missed = [named for _, named in itertools.islice(told(client), len(sent) - len(found))]
    assert sorted(found + missed) == sorted(sent)
    assert set(rest) <= set(missed)
