"""MQTT against a real mosquitto, as a subscriber and Home Assistant see it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import aiomqtt
import orjson
import pytest

from consumers.notify.guard import Guard
from consumers.notify.message import Message
from consumers.notify.targets.mqtt import Mqtt, MqttSettings
from infra.runtime.settings import Settings
from schemas.errors import Retryable
from tests.contract.consumers.consumer_parts import eventually
from tests.contract.notify.conftest import Start
from tests.contract.notify.house import House
from tests.mosquitto import PASSWORD, USER, Broker, mosquitto
from tests.unit.consumers.notify.notices import message

TARGET = UUID(int=7)


def settings_for(broker: Broker, **changes: object) -> MqttSettings:
    return MqttSettings.model_validate(
        {
            "host": broker.host,
            "port": broker.port,
            "tls": bool(broker.ca_certificate),
            "ca_certificate": broker.ca_certificate,
            "username": USER,
            "password": PASSWORD,
            **changes,
        }
    )


async def retained(broker: Broker) -> dict[str, bytes]:
    """Return everything that the broker keeps, by topic."""
    found: dict[str, bytes] = {}
    async with aiomqtt.Client(
        broker.host,
        broker.port,
        username=USER,
        password=PASSWORD,
    ) as client:
        await client.subscribe("#", qos=1)
        try:
            async with asyncio.timeout(1.0):
                async for got in client.messages:
                    if got.retain and isinstance(got.payload, bytes):
                        found[str(got.topic)] = got.payload
        except TimeoutError:
            pass
    return found


def test_states_stay_and_home_assistant_finds_them(tmp_path: Path) -> None:
    async def scene(broker: Broker) -> None:
        target = Mqtt(settings_for(broker), Guard(private=True), TARGET)
        attending = asyncio.create_task(target.attend())
        await target.send(message("opened"))
        await target.send(message("opened", event_id="another"))
        kept = await retained(broker)
        place = "sightline/depot-7/gate"
        assert kept["sightline/status"] == b"online"
        assert kept[f"{place}/intrusion/state"] == b"ON"
        assert orjson.loads(kept[f"{place}/last"])["event"]["class_name"] == "person"
        assert f"{place}/snapshot" not in kept
        sensor = orjson.loads(
            kept["homeassistant/binary_sensor/sightline_depot-7_gate/intrusion/config"]
        )
        assert sensor["state_topic"] == f"{place}/intrusion/state"
        assert sensor["availability_topic"] == "sightline/status"
        last = orjson.loads(kept["homeassistant/sensor/sightline_depot-7_gate/last_event/config"])
        image = orjson.loads(kept["homeassistant/image/sightline_depot-7_gate/snapshot/config"])
        assert last["state_topic"] in kept and image["url_topic"] == f"{place}/snapshot"
        assert len({one["unique_id"] for one in (sensor, last, image)}) == 3

        await target.send(message("closed"))
        assert (await retained(broker))[f"{place}/intrusion/state"] == b"ON"
        await target.send(message("closed", event_id="another"))
        assert (await retained(broker))[f"{place}/intrusion/state"] == b"OFF"
        attending.cancel()
        await asyncio.wait([attending])
        assert (await retained(broker))["sightline/status"] == b"offline"

    with mosquitto(tmp_path) as broker:
        asyncio.run(scene(broker))


def test_what_is_open_is_remembered_by_the_broker(tmp_path: Path) -> None:
    async def scene(broker: Broker) -> None:
        place = "sightline/depot-7/gate/intrusion"
        await during(broker, message("opened"), message("opened", event_id="another"))
        assert len(orjson.loads((await retained(broker))[f"{place}/open"])) == 2
        # A process that has never heard of the other event.
        await during(broker, message("closed"))
        assert (await retained(broker))[f"{place}/state"] == b"ON"
        await during(broker, message("closed", event_id="another"))
        kept = await retained(broker)
        assert kept[f"{place}/state"] == b"OFF"
        assert f"{place}/open" not in kept

    async def during(broker: Broker, *messages: Message) -> None:
        target = Mqtt(settings_for(broker), Guard(private=True), TARGET)
        attending = asyncio.create_task(target.attend())
        for one in messages:
            await target.send(one)
        attending.cancel()
        await asyncio.wait([attending])

    with mosquitto(tmp_path) as broker:
        asyncio.run(scene(broker))


def test_the_certificate_is_checked_against_the_name(tmp_path: Path) -> None:
    async def scene(broker: Broker) -> None:
        target = Mqtt(settings_for(broker), Guard(private=True), TARGET)
        attending = asyncio.create_task(target.attend())
        await target.send(message())
        attending.cancel()
        await asyncio.wait([attending])
        # By its address the certificate does not name it.
        other = Mqtt(settings_for(broker, host="127.0.0.1"), Guard(private=True), TARGET)
        with pytest.raises(Retryable, match="certificate"):
            await other.attend()

    with mosquitto(tmp_path, tls=True) as broker:
        asyncio.run(scene(broker))


def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    async def scene(broker: Broker) -> None:
        target = Mqtt(settings_for(broker, password="wrong"), Guard(private=True), TARGET)
        with pytest.raises(Retryable, match="does not answer"):
            await target.attend()

    with mosquitto(tmp_path) as broker:
        asyncio.run(scene(broker))


def test_the_process_keeps_the_connection_up(
    tmp_path: Path, house: House, start: Start, settings: Settings
) -> None:
    with mosquitto(tmp_path) as broker:
        shown = settings_for(broker).model_dump(exclude={"kind", "password"})
        target = house.target("mqtt", **shown, password=PASSWORD)
        # It is told of the end, too, though the route names the beginning alone.
        house.route(target)
        running = start()
        eventually(lambda: asyncio.run(retained(broker)).get("sightline/status") == b"online")
        event = house.happen()
        state = f"sightline/{house.site}/gate/intrusion/state"
        eventually(lambda: asyncio.run(retained(broker)).get(state) == b"ON")
        house.happen(event_id=event.event_id, state="closed", revision=2, closed_at=event.at + 1000)
        eventually(lambda: asyncio.run(retained(broker)).get(state) == b"OFF")
        running.stop()
        assert asyncio.run(retained(broker))["sightline/status"] == b"offline"
