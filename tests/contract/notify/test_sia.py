"""Alarm centres: SIA DC-09 against a receiver that knows the standard and not our code."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.notify.guard import Guard
from consumers.notify.targets import dc09, sia
from consumers.notify.targets.sia import Sia, SiaSettings
from infra.runtime.settings import Settings
from schemas.errors import Rejected, Retryable
from tests.contract.consumers.consumer_parts import eventually
from tests.contract.notify.alarm_centre import AlarmCentre, crc_by_table
from tests.contract.notify.conftest import Start
from tests.contract.notify.house import House
from tests.unit.consumers.notify.notices import message

KEY = "000102030405060708090A0B0C0D0E0F"


def target(centre: AlarmCentre, **changes: Any) -> Sia:
    given = {"host": "127.0.0.1", "port": centre.port, "account": "12AB", **changes}
    return Sia(SiaSettings.model_validate(given), Guard(private=True))


@given(st.binary(max_size=300))
def test_the_crc_is_that_of_another_implementation(data: bytes) -> None:
    assert dc09.crc16(data) == crc_by_table(data)


def test_an_alarm_and_its_end_are_reported_by_code_area_and_zone() -> None:
    with AlarmCentre() as centre:
        sender = target(
            centre,
            receiver="1",
            line="2F",
            codes=[
                {"rules": ["fire"], "code": "FA", "restore": "FR"},
                {"severities": ["info"], "code": "UA"},
            ],
            zones=[{"site": "depot-7", "camera": "gate", "area": 3, "zone": 42}],
        )

        async def scene() -> None:
            await sender.send(message("opened", 1))
            await sender.send(message("closed", 2))
            await sender.send(message("opened", 9999, rule="fire", camera="yard [2]"))
            await sender.send(message("closed", 10_000, severity="info"))
            await sender.send(message("updated", 10_001))
            await sender.send(message("escalated", 10_002, severity="info"))

        asyncio.run(scene())
        told = [(one.sequence, re.search(r"Nri(\S+?)\]", one.content)) for one in centre.got]
        assert [(number, match[1] if match else "") for number, match in told] == [
            ("0001", "3/BA042"),
            ("0002", "3/BR042"),
            ("9999", "1/FA000"),
            ("0003", "3/UA042"),
        ]
        first = centre.got[0].content
        assert first.startswith("#12AB|Nri3/BA042]") and "[SThe depot]" in first
        assert "[Vhttps://cloud.example/events/" in first and "[H22:13:20,11-14-2023]" in first
        assert "[Lyard (2)]" in centre.got[2].content


@pytest.mark.parametrize("key", [KEY, KEY + KEY[:16], KEY + KEY])
def test_encrypted_it_is_read_by_whoever_has_the_key(key: str) -> None:
    with AlarmCentre(bytes.fromhex(key)) as centre:
        asyncio.run(target(centre, key=key).send(message()))
        (alarm,) = centre.got
        assert alarm.encrypted and alarm.content.startswith("#12AB|Nri1/BA000]")


def test_a_clock_that_is_off_is_corrected_by_what_the_receiver_tells() -> None:
    for key in ("", KEY):
        with AlarmCentre(bytes.fromhex(key), clock_ahead=timedelta(minutes=-7)) as centre:
            asyncio.run(target(centre, key=key or None).send(message()))
            assert len(centre.got) == 1


def test_what_the_receiver_answers_decides() -> None:
    with AlarmCentre() as centre:
        centre.answers = ["DUH"]
        with pytest.raises(Rejected, match="DUH"):
            asyncio.run(target(centre).send(message()))
        for answer in ("NAK", "garbage", "other"):
            centre.answers = [answer]
            with pytest.raises(Retryable):
                asyncio.run(target(centre).send(message()))


def test_a_receiver_that_is_silent_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sia, "ANSWER_S", 0.2)
    with AlarmCentre() as centre:
        centre.answers = ["silence"]
        with pytest.raises(Retryable, match="does not answer"):
            asyncio.run(target(centre).send(message()))


def test_null_messages_show_that_we_live_and_break_no_sequence() -> None:
    with AlarmCentre(bytes.fromhex(KEY)) as centre:

        async def scene() -> None:
            sender = target(centre, key=KEY, supervise_s=1)
            attending = asyncio.create_task(sender.attend())
            while len(centre.got) < 2:
                await asyncio.sleep(0.05)
            await sender.send(message("opened", 7))
            attending.cancel()
            await asyncio.wait([attending])

        asyncio.run(scene())
        assert [(one.token, one.sequence) for one in centre.got[:3]] == [
            ("NULL", "0000"),
            ("NULL", "0000"),
            ("SIA-DCS", "0007"),
        ]
        assert centre.got[0].content == "]"


def test_the_process_reports_and_supervises(house: House, start: Start, settings: Settings) -> None:
    with AlarmCentre() as centre:
        sent = house.target(
            "sia", host="127.0.0.1", port=centre.port, account="1234", supervise_s=1
        )
        house.route(sent)
        start()
        eventually(lambda: [one for one in centre.got if one.token == "NULL"])
        event = house.happen()
        house.happen(event_id=event.event_id, state="closed", revision=2, closed_at=event.at)
        eventually(lambda: len(house.deliveries("sent")) == 2)
        alarms = [one for one in centre.got if one.token != "NULL"]
        assert [one.sequence for one in alarms] == ["0001", "0002"]
