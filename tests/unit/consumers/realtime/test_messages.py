"""Messages have the names and forms of the REST routes, and are whole on both carriers."""

from __future__ import annotations

import json

import pytest

from consumers.api.shapes.candidates import Candidate
from consumers.api.shapes.events import EventDetails
from consumers.realtime.bodies import body
from consumers.realtime.frames import EVENT_SOURCE, WEBSOCKET
from tests.unit.consumers.realtime.stream_records import event, health, verdict


def test_events_and_candidates_are_described_as_the_routes_do() -> None:
    assert set(json.loads(body(event()))) <= set(EventDetails.model_fields)
    of_candidates = set(Candidate.model_fields) | {"revision", "config_version"}
    assert set(json.loads(body(verdict()))) <= of_candidates


def test_times_and_json_are_shown_as_the_routes_do() -> None:
    shown = json.loads(body(event(tracks='["t1", "t2"]', closed_at=None)))
    assert shown["opened_at"] == "2026-09-21T14:13:20.123000Z"
    assert shown["closed_at"] is None
    assert shown["tracks"] == ["t1", "t2"]
    assert json.loads(body(health()))["details"] == {"fps": 10}


def test_json_that_is_none_stops_nobody() -> None:
    assert json.loads(body(event(tracks="[")))["tracks"] is None


def test_a_socket_message_names_its_type_and_position() -> None:
    message = json.loads(WEBSOCKET.write("lagged", "p", {"dropped": 3}))
    assert message == {"type": "lagged", "position": "p", "dropped": 3}


@pytest.mark.parametrize("text", ["a\nb", "a\r\n\r\ndata: forged"])
def test_no_text_ends_an_event_of_a_source(text: str) -> None:
    written = EVENT_SOURCE.write("event", "p", {"event": {"rule": text}})
    assert written.count(b"\n") == 4
    assert b"\r" not in written
    lines = written.decode().splitlines()
    assert lines[:2] == ["id: p", "event: event"]
    assert json.loads(lines[2].removeprefix("data: ")) == {"rule": text}


def test_a_heartbeat_moves_the_last_event_id_and_says_nothing() -> None:
    assert EVENT_SOURCE.beat("p") == b": heartbeat\nid: p\n\n"
