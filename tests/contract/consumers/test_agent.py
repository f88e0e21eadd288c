from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from consumers.sync.agent import WRITER, run_agent
from consumers.sync.commanding import command_digest, document_of
from consumers.sync.publish import (
    await_receipt,
    config_topic,
    publish,
    receipts_end,
    send_command,
)
from consumers.sync.silence import OFFLINE_AFTER_S
from infra.local.stack import Stack
from infra.runtime.configs import KEPT_VERSIONS, ConfigStore
from infra.runtime.kafka import RecordProducer, read_all
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.codec import decode, decode_as
from schemas.errors import Fatal, Rejected, Retryable
from schemas.records import AppliedConfig, Beat, ConfigDocument, Frame, Health, Receipt
from schemas.site import SiteConfig, digest
from tests.contract.consumers.consumer_parts import SITE, Running, dead_letters, eventually

EPOCH_AT = 946_684_800_000
Start = Callable[..., Running]


def text(note: str, cameras: str = "gate") -> str:
    return f"# {note}\nversion: 1\nsite: {SITE}\ncameras: {{{cameras}: {{source: 'usb:0'}}}}\n"


def runs_anything(config: SiteConfig) -> None:
    if "unrunnable" in config.cameras:
        raise Rejected("camera unrunnable cannot be run")


def agent(service: Service) -> None:
    run_agent(service, runs_anything)


@pytest.fixture
def configs(settings: Settings) -> Iterator[ConfigStore]:
    store = ConfigStore(settings.edge_kafka)
    yield store
    store.close()


def published(settings: Settings, body: str) -> Receipt:
    start = receipts_end(settings.edge_kafka)
    sha256 = publish(settings.edge_kafka, SITE, body, author="eve")
    return await_receipt(settings.edge_kafka, SITE, sha256, wait_s=60, start=start)


def versions(settings: Settings) -> dict[int, str]:
    kept: dict[int, str] = {}
    for message in read_all(settings.edge_kafka, "config"):
        if message.value is None:
            kept.pop(int(message.key or 0))
        else:
            applied = decode_as(AppliedConfig, message.value)
            kept[applied.config_version] = applied.body
    return kept


def test_a_configuration_is_applied_whole_or_the_last_good_one_stays(
    settings: Settings, start: Start, configs: ConfigStore
) -> None:
    running = start(agent)
    first = published(settings, text("one"))
    assert first.status == "applied" and first.errors == "[]"
    assert configs.get(first.config_version, 30).cameras.keys() == {"gate"}

    wrong = published(settings, text("two").replace("usb:0", "gopher://x"))
    assert (wrong.status, wrong.config_version) == ("refused", first.config_version)
    assert json.loads(wrong.errors)[0]["path"] == "cameras.gate.source"
    unrunnable = published(settings, text("three", cameras="unrunnable"))
    assert (unrunnable.status, unrunnable.config_version) == ("refused", first.config_version)

    again = published(settings, text("one"))
    assert (again.status, again.config_version) == ("applied", first.config_version)
    running.stop()
    start(agent)
    later = published(settings, text("four", cameras="yard"))
    assert (later.status, later.config_version) == ("applied", first.config_version + 1)
    assert eventually(lambda: configs.latest(30).version == later.config_version)
    assert versions(settings)[later.config_version] == text("four", cameras="yard")


def test_only_the_last_hundred_versions_are_kept(
    settings: Settings, start: Start, configs: ConfigStore
) -> None:
    start(agent)
    before = published(settings, text("before")).config_version
    producer = RecordProducer(settings.edge_kafka, "test")
    for number in range(KEPT_VERSIONS):
        body = text(f"number {number}")
        document = ConfigDocument(
            document="site", site=SITE, body=body, sha256=digest(body), published_at=1, author=""
        )
        producer.send(config_topic(SITE), document, key="site")
    producer.flush()
    last = before + KEPT_VERSIONS
    eventually(lambda: configs.latest(30).version == last)
    published(settings, text(f"number {KEPT_VERSIONS - 1}"))
    assert sorted(versions(settings)) == list(range(last - KEPT_VERSIONS + 1, last + 1))
    eventually(lambda: configs.versions()[0] == last - KEPT_VERSIONS + 1)
    assert configs.get(last - KEPT_VERSIONS + 1).site == SITE
    with pytest.raises(Rejected) as expired:
        configs.get(before)
    assert expired.value.reason == "config-expired"
    with pytest.raises(Retryable, match="edge agent"):
        configs.get(last + 1, wait_s=0.1)


def test_what_is_no_document_goes_to_the_dead_letters(settings: Settings, start: Start) -> None:
    start(agent)
    producer = RecordProducer(settings.edge_kafka, "test")
    producer.send_raw(config_topic(SITE), b"no avro", key="damaged")
    producer.flush()
    assert published(settings, text("after the damaged one")).status == "applied"
    (letter,) = dead_letters(settings.edge_kafka, config_topic(SITE), "damaged")
    assert dict(letter.headers)["reason"] == b"wrong-magic"


def ordered(settings: Settings, mode: str, **keys: float) -> Receipt:
    start = receipts_end(settings.edge_kafka)
    order = send_command(settings.edge_kafka, SITE, "arm", {"mode": mode}, **keys)
    return await_receipt(
        settings.edge_kafka,
        SITE,
        command_digest(order),
        document_of("arm"),
        wait_s=60,
        start=start,
    )


def test_a_site_is_armed_by_command_and_stays_so_through_restarts_and_configurations(
    settings: Settings, start: Start, configs: ConfigStore
) -> None:
    running = start(agent)
    before = published(settings, text("to be armed")).config_version
    armed = ordered(settings, "away")
    assert (armed.status, armed.config_version) == ("applied", before + 1)
    assert configs.get(before + 1, 30).modes == ("away",)
    assert configs.get(before, 30).modes == ()
    running.stop()
    start(agent)
    later = published(settings, text("armed as it is")).config_version
    assert later == before + 2 and configs.get(later, 30).modes == ("away",)
    refused = ordered(settings, "asleep")
    assert refused.status == "refused" and "asleep" in refused.errors
    assert ordered(settings, "home", valid_s=0).status == "refused"
    off = ordered(settings, "off")
    assert (off.status, configs.get(off.config_version, 30).modes) == ("applied", ())


def frame(camera: str, at: int) -> Frame:
    return Frame(
        site=SITE,
        camera=camera,
        epoch_at=EPOCH_AT,
        seq=0,
        captured_at=at,
        config_version=1,
        width=2,
        height=2,
        source_width=2,
        source_height=2,
        jpeg=b"",
    )


def beats(settings: Settings, camera: str) -> list[tuple[int, Beat, bool]]:
    """Return a camera's beats: partition, beat, and whether the agent wrote it."""
    return [
        (message.partition, record, WRITER in message.headers)
        for message in read_all(settings.edge_kafka, "frames")
        if message.key == camera and isinstance(record := decode(message.value), Beat)
    ]


def test_a_camera_whose_process_died_gets_beats_on_its_own_scale_until_it_is_back(
    settings: Settings, start: Start
) -> None:
    start(agent)
    published(settings, text("beats", cameras="porch"))
    producer = RecordProducer(settings.edge_kafka, "test")
    producer.send("frames", frame("porch", EPOCH_AT), key="porch")
    producer.send("frames", frame("stranger", EPOCH_AT), key="stranger")
    sent_s = time.monotonic()
    producer.flush()
    (place,) = {m.partition for m in read_all(settings.edge_kafka, "frames") if m.key == "porch"}

    def offline() -> list[tuple[int, Beat, bool]] | None:
        found = beats(settings, "porch")
        return found if found and found[-1][1].state == "offline" else None

    found = eventually(offline)
    passed_ms = (time.monotonic() - sent_s) * 1000
    assert {partition for partition, _, _ in found} == {place}
    assert all(by_agent for _, _, by_agent in found)
    times = [beat.beat_at for _, beat, _ in found]
    assert times == sorted(set(times))
    assert times[0] >= EPOCH_AT + 3000 and times[-1] <= EPOCH_AT + passed_ms
    assert [beat.state for _, beat, _ in found].index("offline") > 0
    assert {beat.epoch_at for _, beat, _ in found} == {EPOCH_AT}
    assert beats(settings, "stranger") == []

    def health(name: str) -> Health | None:
        for message in reversed(read_all(settings.edge_kafka, "up.health")):
            record = decode_as(Health, message.value)
            if record.name == name:
                return record
        return None

    camera = eventually(lambda: health("porch"))
    assert (camera.health_id, camera.state) == (f"{SITE}/porch", "offline")
    process = eventually(lambda: health("agent"))
    assert process.health_id == f"{SITE}/process/agent"

    later = times[-1] + 60_000
    producer.send("frames", frame("porch", later), key="porch")
    producer.flush()
    back = eventually(lambda: [b for _, b, _ in beats(settings, "porch") if b.beat_at > later])
    assert back[0].beat_at >= later + 3000 and back[0].state == "stalled"

    version = published(settings, text("without it", cameras="elsewhere")).config_version
    left = eventually(
        lambda: [b for _, b, _ in beats(settings, "porch") if b.config_version == version]
    )
    assert left[0].beat_at > back[0].beat_at


def test_while_kafka_hangs_no_camera_is_called_silent(
    settings: Settings, stack: Stack, start: Start
) -> None:
    running = start(agent)
    published(settings, text("hangs", cameras="hall"))
    producer = RecordProducer(settings.edge_kafka, "test")
    began_s, ended = time.monotonic(), threading.Event()

    def film() -> None:
        while not ended.wait(0.2):
            at = EPOCH_AT + round((time.monotonic() - began_s) * 1000)
            producer.send("frames", frame("hall", at), key="hall")

    camera = threading.Thread(target=film)
    camera.start()
    try:
        eventually(lambda: [m for m in read_all(settings.edge_kafka, "frames") if m.key == "hall"])
        stack.kill("edge-kafka", signal.SIGSTOP)
        hung_s = time.monotonic() - began_s
        time.sleep(2 * OFFLINE_AFTER_S)
        stack.kill("edge-kafka", signal.SIGCONT)
        back_ms = round((time.monotonic() - began_s) * 1000)

        def captured() -> list[int]:
            try:
                messages = read_all(settings.edge_kafka, "frames")
            except Retryable:
                # Back, it has no leaders yet.
                return []
            frames = [m for m in messages if m.key == "hall"]
            records = [decode(m.value) for m in frames]
            return [r.captured_at - EPOCH_AT for r in records if isinstance(r, Frame)]

        eventually(lambda: max(captured(), default=0) > back_ms + 5000)
        times = captured()
        assert any(hung_s * 1000 + 5000 < at < back_ms for at in times), "they were waiting"
        assert beats(settings, "hall") == []
    finally:
        ended.set()
        camera.join()
        # A broker that comes back may take its member for another of the same name; the agent then
        # ends with that word, and its supervisor starts it anew.
        with suppress(Fatal):
            running.stop()
