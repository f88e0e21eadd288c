"""A site tells its own targets, with no cloud at all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from consumers.notify.local.run import run_local_notify
from consumers.notify.reading import TOPIC
from infra.local.stack import Stack
from infra.runtime.kafka import RecordProducer, create_topics
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.errors import Fatal
from schemas.records import AppliedConfig, Event
from schemas.topics import site_topics
from tests.contract.consumers import store_rows
from tests.contract.consumers.consumer_parts import Running, eventually
from tests.contract.notify.house import SECRET, now_at
from tests.contract.notify.receivers import Hook

CONFIG = """
version: 1
site: depot-7
timezone: Europe/Madrid
cameras: {gate: {source: 'usb:0'}}
sensors: {lawn: {camera: gate, kind: zone, points: [[0, 0], [1, 0], [1, 1]], dwell_s: 30}}
rules:
  intrusion: {when: {sensor: lawn, trigger: entered}, notify: [pager, nobody-knows]}
  loitering: {when: {sensor: lawn, trigger: dwelled}}
"""
Start = Callable[..., Running]


@pytest.fixture
def site(stack: Stack, tmp_path: Path) -> Settings:
    """A site whose configuration is version 1."""
    edge = stack.endpoints.edge_kafka
    create_topics(edge, [topic for topic in site_topics("depot-7") if topic.name == "config"])
    apply(edge, 1)
    return Settings(
        site="depot-7",
        edge_kafka=edge,
        data_dir=str(tmp_path),
        local_targets=str(tmp_path / "targets.yaml"),
    )


@pytest.fixture
def run() -> Iterator[Callable[[Settings], Running]]:
    started: list[Running] = []

    def begin(settings: Settings) -> Running:
        started.append(Running(Service("local-notify", settings), run_local_notify))
        return started[-1]

    yield begin
    for running in started:
        running.stop()


def apply(bootstrap: str, version: int) -> None:
    """Put the configuration in force, as the agent does."""
    applied = AppliedConfig(
        config_version=version,
        site="depot-7",
        document="site",
        body=CONFIG,
        sha256="",
        accepted_at=1,
    )
    producer = RecordProducer(bootstrap, "test")
    producer.send("config", applied, key=str(version))
    producer.flush()


def happen(settings: Settings, event_id: str = "", **changes: object) -> Event:
    at = now_at()
    fields = {"at": at, "opened_at": at, **changes}
    event = store_rows.event(event_id or str(uuid.uuid4()), **fields)
    producer = RecordProducer(settings.edge_kafka, "test", linger_ms=0)
    producer.send(TOPIC, event, key=event.event_id)
    producer.flush()
    return event


def test_what_a_rule_names_is_told_once_also_over_restarts(
    site: Settings,
    hook: Hook,
    run: Callable[[Settings], Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PAGER_SECRET", SECRET)
    Path(site.local_targets).write_text(
        f"targets:\n  pager: {{kind: webhook, url: '{hook.url}', secret_env: PAGER_SECRET}}\n"
    )
    hook.answer = lambda got: (204 if got.json["data"]["attempt"] > 1 else 503, {})
    running = run(site)
    event = happen(site)
    happen(site, rule="loitering")
    happen(site, mode="shadow")
    happen(site, event.event_id, state="updated", revision=2)
    hook.wait(2)
    running.stop()
    happen(site, event.event_id)
    run(site)
    later = happen(site)
    found = hook.wait(4)
    told = [(one.json["data"]["event"]["event_id"], one.json["data"]["attempt"]) for one in found]
    assert told == [
        (event.event_id, 1),
        (event.event_id, 2),
        (later.event_id, 1),
        (later.event_id, 2),
    ]
    assert [one.json["data"]["number"] for one in found] == [1, 1, 2, 2]
    assert "CET" in found[0].json["data"]["text"]


def test_a_configuration_that_has_not_come_is_waited_for(
    site: Settings, hook: Hook, run: Callable[[Settings], Running]
) -> None:
    Path(site.local_targets).write_text(
        f"targets:\n  pager: {{kind: webhook, url: '{hook.url}', secret: {SECRET}}}\n"
    )
    running = run(site)
    event = happen(site, config_version=2)
    eventually(lambda: running.service.health().get("local-notify"))
    apply(site.edge_kafka, 2)
    (got,) = hook.wait(1)
    assert got.json["data"]["event"]["event_id"] == event.event_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "targets: []",
        "targets: {a: 1}",
        "targets: {a: {kind: pigeon}}",
        "targets: {a: {kind: web_push}}",
        "targets: {a: {kind: webhook, url: 'http://x', secret_env: NOT_THERE}}",
        "targets: {a: {kind: webhook, url: 'http://x', secret: short}}",
        "targets: {a: {kind: mqtt, host: x, colour: red}}",
        "targets: {a: {kind: mqtt",
    ],
)
def test_a_wrong_file_is_told_where_and_without_secrets(site: Settings, text: str) -> None:
    Path(site.local_targets).write_text(text)
    with pytest.raises(Fatal, match=r"targets\.yaml") as error:
        run_local_notify(Service("local-notify", site))
    assert "short" not in str(error.value)
    with pytest.raises(Fatal, match="SIGHTLINE_LOCAL_TARGETS"):
        run_local_notify(Service("local-notify", replace(site, local_targets="")))
