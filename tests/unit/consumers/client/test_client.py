"""The client against an API that is a function: what it sends, tries again, and raises."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.client import (
    ApiError,
    AsyncSightline,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Sightline,
    Stale,
    TooOften,
    Unauthenticated,
    Unavailable,
    tagged,
)
from consumers.client.operations import places
from consumers.client.pictures import Pictures
from consumers.client.trying import Patience

Answers = Callable[[httpx.Request], httpx.Response]
AT_ONCE = Patience(tries=3, longest_pause_s=0.001)
SITE: dict[str, Any] = {
    "site": "depot-7",
    "name": "",
    "timezone": "UTC",
    "created_at": "2026-11-28T00:00:00Z",
    "cameras": 0,
    "camera_states": {},
    "heard_at": None,
    "last_event_at": None,
}
HANDLING: dict[str, Any] = {
    "state": "acknowledged",
    "version": 2,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "assigned_to": None,
    "label": None,
}


def client(answers: Answers, patience: Patience = AT_ONCE) -> Sightline:
    transport = httpx.MockTransport(answers)
    return Sightline("http://cloud", "sl_key", patience=patience, transport=transport)


def problem(status: int, **headers: str) -> httpx.Response:
    body = {"type": "urn:sightline:problem:word", "title": "Title", "status": status}
    return httpx.Response(status, json={**body, "detail": "do this"}, headers=headers)


class Once:
    """Answers in turn; the last goes on for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (412, Stale),
        (428, Stale),
        (422, Invalid),
        (429, TooOften),
        (503, Unavailable),
        (500, ApiError),
    ],
)
def test_each_refusal_is_an_exception_of_its_own(status: int, kind: type[ApiError]) -> None:
    with client(lambda _: problem(status)) as sightline, pytest.raises(kind) as raised:
        sightline.site("depot-7")
    error = raised.value
    assert type(error) is kind
    assert (error.status, error.kind, str(error)) == (status, "word", "Title: do this")


def test_the_words_of_a_proxy_are_an_error_too() -> None:
    answers = Once(httpx.Response(502, text="<html>Bad Gateway"))
    with client(answers) as sightline, pytest.raises(ApiError) as raised:
        sightline.site("depot-7")
    assert raised.value.status == 502


def test_pages_are_fetched_as_they_are_used_up() -> None:
    first = {"items": [SITE, SITE], "next": "/api/v1/sites?cursor=abc"}
    answers = Once(
        httpx.Response(200, json=first), httpx.Response(200, json={"items": [SITE], "next": None})
    )
    with client(answers) as sightline:
        sites = sightline.sites()
        assert [next(sites).site, next(sites).site] == ["depot-7"] * 2
        assert len(answers.requests) == 1
        assert len(list(sites)) == 1
    assert answers.requests[1].url.query == b"cursor=abc"


def test_filters_are_sent_as_the_api_reads_them() -> None:
    answers = Once(httpx.Response(200, json={"items": [], "next": None}))
    with client(answers) as sightline:
        list(
            sightline.events(
                since=datetime(2026, 1, 1, tzinfo=UTC),
                site=["a", "b"],
                assigned_to=UUID(int=7),
                limit=5,
            )
        )
    sent = answers.requests[0]
    assert sent.headers["Authorization"] == "Bearer sl_key"
    assert sent.url.params.multi_items() == [
        ("since", "2026-01-01T00:00:00+00:00"),
        ("site", "a"),
        ("site", "b"),
        ("assigned_to", str(UUID(int=7))),
        ("limit", "5"),
    ]
    with client(answers) as sightline, pytest.raises(ValueError, match="no time zone"):
        list(sightline.events(since=datetime(2026, 1, 1)))


def test_a_busy_cloud_is_asked_again_when_it_says() -> None:
    busy = problem(503, **{"Retry-After": "0"})
    answers = Once(busy, httpx.ConnectError("refused"), httpx.Response(200, json=SITE))
    with client(answers) as sightline:
        assert sightline.site("depot-7").site == "depot-7"
    with client(Once(busy)) as sightline, pytest.raises(Unavailable) as raised:
        sightline.site("depot-7")
    assert raised.value.retry_after_s == 0


def test_nobody_waits_longer_than_was_agreed() -> None:
    answers = Once(problem(429, **{"Retry-After": "3600"}))
    with client(answers) as sightline, pytest.raises(TooOften) as raised:
        sightline.site("depot-7")
    assert (raised.value.retry_after_s, len(answers.requests)) == (3600, 1)


def test_what_is_not_told_apart_when_it_comes_twice_is_sent_once() -> None:
    answers = Once(httpx.ReadError("gone"))
    with client(answers) as sightline, pytest.raises(httpx.ReadError):
        sightline.change_handling("e-1", 1, state="resolved")
    assert len(answers.requests) == 1


def test_a_post_keeps_its_name_however_often_it_is_sent() -> None:
    answers = Once(httpx.ReadError("gone"), httpx.Response(201, json={"text": "seen"}))
    with client(answers) as sightline:
        sightline.comment("e/1", "seen")
        sightline.comment("e/1", "seen")
    names = [request.headers["Idempotency-Key"] for request in answers.requests]
    assert names[0] == names[1] != names[2]
    assert answers.requests[0].url.raw_path == b"/api/v1/events/e%2F1/comments"


def test_a_change_names_its_version_and_nothing_that_was_not_said() -> None:
    answers = Once(httpx.Response(200, json=HANDLING))
    with client(answers) as sightline:
        sightline.change_handling("e-1", 3, assigned_to=None)
        sightline.change_handling("e-1", None, label="false")
    first, second = answers.requests
    assert (first.headers["If-Match"], json.loads(first.content)) == ('"3"', {"assigned_to": None})
    assert (second.headers["If-Match"], json.loads(second.content)) == ("*", {"label": "false"})


def test_an_etag_that_was_read_goes_into_the_change() -> None:
    answers = Once(httpx.Response(200, json=SITE, headers={"ETag": '"ab"'}))
    with client(answers) as sightline:
        found = sightline.do(tagged(places.site("depot-7")))
        assert (found.document.site, found.tag) == ("depot-7", '"ab"')
        sightline.change_site("depot-7", found.tag, name="The depot")
    sent = answers.requests[1]
    assert (sent.method, sent.headers["If-Match"]) == ("PATCH", '"ab"')
    assert json.loads(sent.content) == {"name": "The depot"}


VERSION: dict[str, Any] = {
    "number": 3,
    "sha256": "0" * 64,
    "author": "ada",
    "note": "",
    "saved_at": "2026-11-28T00:00:00Z",
}


def test_a_configuration_is_saved_upon_the_version_that_was_changed() -> None:
    answers = Once(httpx.Response(200, json=VERSION))
    with client(answers) as sightline:
        assert sightline.configurations.save("depot-7", "version: 1", 2, "why").number == 3
    (sent,) = answers.requests
    assert sent.url.path == "/api/v1/sites/depot-7/configuration"
    assert (sent.method, sent.headers["If-Match"]) == ("PUT", '"2"')
    assert json.loads(sent.content) == {"text": "version: 1", "note": "why"}


def test_weights_go_as_they_are_under_their_own_digest() -> None:
    digest = hashlib.sha256(b"onnx").hexdigest()
    answers = Once(httpx.Response(201, json={"sha256": digest, "size": 4}))
    with client(answers) as sightline:
        assert sightline.models.upload(b"onnx").size == 4
    (sent,) = answers.requests
    assert (sent.content, sent.url.path.rpartition("/")[2]) == (b"onnx", digest)


def test_what_would_be_done_twice_is_sent_once() -> None:
    answers = Once(httpx.ReadError("gone"))
    with client(answers) as sightline, pytest.raises(httpx.ReadError):
        sightline.notifications.replay_all()
    assert len(answers.requests) == 1


def test_whoever_waits_for_a_site_waits_longer_than_the_api_does() -> None:
    answers = Once(httpx.ReadError("gone"))
    with client(answers) as sightline, pytest.raises(httpx.ReadError):
        sightline.commands.show("depot-7", UUID(int=7), wait_s=30)
    sent = answers.requests[0]
    assert sent.url.params["wait_s"] == "30"
    assert sent.extensions["timeout"]["read"] > 30


def pictures(*bodies: bytes) -> httpx.Response:
    parts = [b"Content-Length: %d\r\n\r\n%s\r\n--frame\r\n" % (len(one), one) for one in bodies]
    return httpx.Response(200, content=b"--frame\r\n" + b"".join(parts))


def test_pictures_come_one_by_one_until_none_comes() -> None:
    answers = Once(pictures(b"first", b"\r\n\r\n--frame\r\n"), problem(404))
    with client(answers) as sightline:
        assert list(sightline.watch("depot-7", "gate")) == [b"first", b"\r\n\r\n--frame\r\n"]
        with pytest.raises(NotFound):
            next(sightline.watch("depot-7", "gate"))


@given(st.lists(st.binary(max_size=50)), st.integers(min_value=1, max_value=40))
def test_pictures_are_whole_however_the_stream_is_cut(bodies: list[bytes], size: int) -> None:
    stream, cut = pictures(*bodies).content, Pictures()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [one for piece in pieces for one in cut.feed(piece)] == bodies


def test_a_stream_that_is_none_of_pictures_is_told() -> None:
    for body in (b"<html>\r\n\r\n", b"x" * 20_000):
        answers = Once(httpx.Response(200, content=body))
        with client(answers) as sightline, pytest.raises(httpx.RemoteProtocolError):
            next(sightline.watch("depot-7", "gate"))


def stream(*lines: str) -> httpx.Response:
    body = "\n".join(lines) + "\n\n"
    return httpx.Response(200, text=body, headers={"Content-Type": "text/event-stream"})


EVENT = ("id: 7", "event: event", 'data: {"event_id": "e-1"}')


def test_a_stream_goes_on_where_it_broke() -> None:
    later = ("id: 8", "event: event", 'data: {"event_id": "e-2"}')
    answers = Once(stream(*EVENT), problem(503, **{"Retry-After": "0"}), stream(*later))
    with client(answers) as sightline:
        following = sightline.follow(resume="6")
        found = [next(following), next(following)]
    assert [(one.kind, one.data["event_id"], one.position) for one in found] == [
        ("event", "e-1", "7"),
        ("event", "e-2", "8"),
    ]
    assert [request.headers["Last-Event-ID"] for request in answers.requests] == ["6", "7", "7"]


def test_a_stream_that_is_refused_says_so_at_once() -> None:
    answers = Once(problem(403))
    with client(answers) as sightline, pytest.raises(Forbidden):
        next(sightline.follow())
    assert len(answers.requests) == 1


def test_a_stream_that_was_open_is_waited_for_however_long() -> None:
    later = ("id: 8", "event: event", 'data: {"event_id": "e-2"}')
    away = [stream(": nothing")] * (5 * AT_ONCE.tries)
    answers = Once(stream(*EVENT), *away, stream(*later))
    with client(answers) as sightline:
        following = sightline.follow()
        found = [next(following).position, next(following).position]
    assert found == ["7", "8"]


def test_a_stream_that_never_opens_is_given_up() -> None:
    answers = Once(stream(": nothing"))
    with client(answers) as sightline, pytest.raises(Unavailable):
        next(sightline.follow())
    assert len(answers.requests) == AT_ONCE.tries


def test_the_asynchronous_client_does_the_same() -> None:
    page = {"items": [SITE], "next": None}
    answers = Once(
        httpx.Response(200, json=SITE),
        problem(503, **{"Retry-After": "0"}),
        httpx.Response(200, json=page),
        httpx.Response(200, json=VERSION),
        httpx.Response(200, json={"items": [VERSION], "next": None}),
        pictures(b"JPEG"),
        stream(*EVENT),
    )

    async def use() -> list[Any]:
        transport = httpx.MockTransport(answers)
        async with AsyncSightline(
            "http://cloud", "sl_key", patience=AT_ONCE, transport=transport
        ) as sightline:
            found: list[Any] = [(await sightline.site("depot-7")).site]
            found += [site.site async for site in sightline.sites()]
            found.append((await sightline.configurations.save("a", "", None)).number)
            found += [one.number async for one in sightline.configurations.versions("a")]
            found += [one async for one in sightline.watch("a", "gate")]
            async for message in sightline.follow():
                return [*found, message.position]
        return found

    assert asyncio.run(use()) == ["depot-7", "depot-7", 3, 3, b"JPEG", "7"]


def test_both_clients_have_the_same_methods() -> None:
    kinds = [
        {name: type(one) for name, one in vars(made).items()}
        for made in (Sightline("http://cloud", "sl_key"), AsyncSightline("http://cloud", "sl_key"))
    ]
    assert kinds[0] | {"_http": None} == kinds[1] | {"_http": None}
    blocking = {
        name: method for name, method in vars(Sightline).items() if not name.startswith("_")
    }
    other = {
        name: method for name, method in vars(AsyncSightline).items() if not name.startswith("_")
    }
    assert blocking.keys() == other.keys()
    names = {AsyncIterator.__name__: Iterator.__name__}
    for name, method in blocking.items():
        ours, theirs = inspect.signature(method), inspect.signature(other[name])
        assert list(ours.parameters) == list(theirs.parameters), name
        told = str(theirs.return_annotation)
        for before, after in names.items():
            told = told.replace(before, after)
        assert str(ours.return_annotation) == told, name
