"""Releases of models through the API to what a site reads, and its receipts back."""

from __future__ import annotations

import time
from contextlib import closing
from hashlib import sha256
from http.client import HTTPConnection
from typing import Any

import pytest
from httpx import Client

from consumers.access.permissions import Role
from infra.runtime import models_topic
from infra.runtime.kafka import RecordProducer, read_all
from infra.runtime.settings import Settings
from schemas.codec import decode
from schemas.records import ModelChunk, ModelUpdate
from schemas.releases import CHUNK_BYTES, TOPIC, check_update, chunk_key, release_of
from streams.inference.updating.inbox import Inbox
from streams.inference.updating.ledger import Entry
from streams.inference.updating.receipts import Running, receipt_of
from tests.access_helpers import Account, account
from tests.contract.api_documents.conftest import FOREIGN_SITE, SITE
from tests.contract.consumers.consumer_parts import eventually

pytestmark = pytest.mark.usefixtures("receipts")
WEIGHTS = bytes(range(256)) * 5000
DIGEST = sha256(WEIGHTS).hexdigest()


def card(name: str, note: str = "", decoding: str = "yolox") -> str:
    return (
        f"name: {name}\nabout: '{note}'\nlicence: Apache-2.0\ndecoding: {decoding}\n"
        "labels: [person]\nwidth: 416\nheight: 416\n"
    )


@pytest.fixture
def api(url: str, owner: Account) -> Client:
    return Client(base_url=url, headers=owner.key, timeout=60)


def uploaded(api: Client, weights: bytes = WEIGHTS) -> str:
    digest = sha256(weights).hexdigest()
    answer = api.put(f"/api/v1/models/weights/{digest}", content=weights)
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"sha256": digest, "size": len(weights)}
    return digest


def publish(api: Client, model: str, **more: Any) -> Any:
    body = {"card": card(model), "sha256": DIGEST, "sites": [SITE], **more}
    return api.post(f"/api/v1/models/{model}/releases", json=body)


def wishes(api: Client, model: str) -> list[dict[str, Any]]:
    answer = api.get("/api/v1/models/rollouts?limit=500")
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["items"] if one["model"] == model]


def wanted(settings: Settings, site: str, model: str) -> ModelUpdate | None:
    """Return what a site reads of its wishes."""
    producer = RecordProducer(settings.edge_kafka, "test")
    with closing(Inbox(settings.edge_kafka, site, "test", producer)) as inbox:
        while not inbox.caught_up:
            inbox.read()
        return inbox.wanted.get(model)


def say(settings: Settings, update: ModelUpdate, state: Any, runs: str) -> None:
    """Answer as a site does."""
    entry = Entry(
        model=update.model,
        release=update.version,
        sha256=update.sha256,
        published_at=update.published_at,
        state=state,
        message="" if state == "applied" else "it finds nothing",
        decided_at=time.time_ns() // 1_000_000,
    )
    record = receipt_of(SITE, entry, Running("3", runs, update.sha256))
    producer = RecordProducer(settings.edge_kafka, "test")
    producer.send("up.receipts", record, key=record.receipt_id)
    producer.flush()


def test_a_release_reaches_its_site_and_its_receipt_comes_back(
    api: Client, settings: Settings
) -> None:
    uploaded(api)
    answer = publish(api, "yolox", max_missing=0.2)
    assert answer.status_code == 202, answer.text
    (shown,) = answer.json()["items"]
    assert (shown["site"], shown["state"], shown["size"]) == (SITE, "no receipt", len(WEIGHTS))
    assert shown["release"] == release_of(card("yolox"), DIGEST)
    update = wanted(settings, SITE, "yolox")
    assert update is not None and not update.deleted
    check_update(update)
    assert (update.sites, update.author, update.max_missing) == ((SITE,), "", 0.2)
    chunks = {one.key: one.value for one in read_all(settings.edge_kafka, TOPIC)}
    parts = [decode(chunks[chunk_key(DIGEST, number)]) for number in range(update.chunks)]
    assert b"".join(part.data for part in parts if isinstance(part, ModelChunk)) == WEIGHTS
    assert update.chunks == -(-len(WEIGHTS) // CHUNK_BYTES) > 1

    say(settings, update, "applied", update.version)
    eventually(lambda: wishes(api, "yolox")[0]["state"] == "applied")
    (runs,) = [one for one in api.get("/api/v1/models").json()["items"] if one["model"] == "yolox"]
    assert (runs["running"], runs["running_version"]) == (update.version, 3)
    assert runs["running_sha256"] == DIGEST

    again = publish(api, "yolox", card=card("yolox", "another"))
    newer = wanted(settings, SITE, "yolox")
    assert newer is not None and newer.published_at > update.published_at
    assert again.json()["items"][0]["release"] == newer.version != update.version
    say(settings, newer, "refused", update.version)
    (stands,) = eventually(
        lambda: [one for one in wishes(api, "yolox") if one["state"] == "refused"]
    )
    assert stands["message"] == "it finds nothing"

    back = api.post("/api/v1/models/yolox/withdrawals", json={"sites": [SITE]})
    assert back.status_code == 202 and back.json()["items"][0]["release"] == newer.version
    assert wishes(api, "yolox") == []
    left = wanted(settings, SITE, "yolox")
    assert left is not None and left.deleted
    gone = api.post("/api/v1/models/yolox/withdrawals", json={"sites": [SITE]})
    assert gone.status_code == 404


def test_a_repeat_publishes_once(api: Client, settings: Settings) -> None:
    uploaded(api)
    body = {"card": card("once"), "sha256": DIGEST, "sites": [SITE, SITE]}
    answers = [
        api.post("/api/v1/models/once/releases", json=body, headers={"Idempotency-Key": "r1"})
        for _ in range(3)
    ]
    assert len({one.text for one in answers}) == 1
    sent = [one for one in read_all(settings.edge_kafka, TOPIC) if one.key == f"once/{SITE}"]
    assert len(sent) == 1
    before = len(read_all(settings.edge_kafka, TOPIC))
    uploaded(api)
    assert len(read_all(settings.edge_kafka, TOPIC)) == before, "what is there is not sent again"


def test_a_model_without_weights_needs_none(api: Client, settings: Settings) -> None:
    text = card("moving", decoding="foreground")
    assert publish(api, "moving", card=text, sha256=None).status_code == 202
    update = wanted(settings, SITE, "moving")
    assert update is not None and (update.sha256, update.chunks) == ("", 0)


def test_weights_that_were_emptied_meanwhile_must_come_again(
    api: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = b"fresh weights"
    digest = uploaded(api, fresh)
    monkeypatch.setattr(models_topic, "IDLE_MS", -60_000)
    with closing(models_topic.ModelsTopic(settings.cloud_kafka)) as topic:
        assert topic.tidy() >= 1
    gone = publish(api, "late", sha256=digest)
    assert gone.status_code == 409
    assert gone.json()["type"] == "urn:sightline:problem:weights-gone"
    uploaded(api, fresh)
    assert publish(api, "late", sha256=digest).status_code == 202


@pytest.mark.parametrize(
    ("content", "digest", "status"),
    [
        (b"", DIGEST, 422),
        (b"other bytes", DIGEST, 422),
        (WEIGHTS, "0" * 64, 422),
        (WEIGHTS, DIGEST.upper(), 422),
        (WEIGHTS, "x", 422),
    ],
)
def test_another_file_is_refused(api: Client, content: bytes, digest: str, status: int) -> None:
    answer = api.put(f"/api/v1/models/weights/{digest}", content=content)
    assert answer.status_code == status, answer.text


def test_a_file_that_is_too_large_is_refused_before_it_is_read(url: str, owner: Account) -> None:
    with closing(HTTPConnection(url.removeprefix("http://"), timeout=30)) as connection:
        connection.putrequest("PUT", f"/api/v1/models/weights/{DIGEST}")
        for name, value in {**owner.key, "Content-Length": str(513 << 20)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413


@pytest.mark.parametrize(
    "more",
    [
        {"card": "name: [*a]"},
        {"card": "x: &a [1]\ny: *a\n"},
        {"card": "no map"},
        {"card": "[" * 50_000},
        {"card": card("another")},
        {"card": card("odd") + f"sha256: '{'0' * 64}'\n"},
        {"card": card("odd") + "unknown: 1\n"},
        {"card": card("odd") + "min_score: .inf\n"},
        {"card": card("odd") + "about: 'a\\0b'\n", "sha256": None},
        {"card": card("odd", "a\x00b")},
        {"card": "name: odd\nlicence: x\ndecoding: yolox\nlabels: [1e999]\n"},
        {"sha256": "0" * 64},
        {"sha256": None},
        {"sites": []},
        {"sites": ["a\x00"]},
        {"max_answer_s": 0},
        {"max_answer_s": 1e308},
        {"watch_s": -1},
        {"max_error_rate": 2},
    ],
)
def test_odd_releases_are_refused(api: Client, more: dict[str, Any]) -> None:
    uploaded(api)
    answer = publish(api, "odd", **more)
    assert answer.status_code == 422, answer.text


def test_nobody_else_s_sites_and_weights(
    url: str, api: Client, settings: Settings, owner: Account, stranger: Account
) -> None:
    uploaded(api)
    theirs = Client(base_url=url, headers=stranger.key, timeout=60)
    assert publish(theirs, "taken", sites=[SITE]).status_code == 404
    assert publish(theirs, "taken", sites=[FOREIGN_SITE]).status_code == 422, "not their weights"
    assert publish(api, "taken", sites=[SITE, FOREIGN_SITE]).status_code == 404
    assert wanted(settings, FOREIGN_SITE, "taken") is None
    assert publish(api, "ours").status_code == 202
    assert wishes(api, "ours") and wishes(theirs, "ours") == []
    refused = theirs.post("/api/v1/models/ours/withdrawals", json={"sites": [SITE]})
    assert refused.status_code == 404
    names = {one["site"] for one in theirs.get("/api/v1/models").json()["items"]}
    assert SITE not in names
    dsn = settings.postgres_dsn
    operator = Client(base_url=url, headers=account(dsn, slug=owner.slug, role=Role.OPERATOR).key)
    assert operator.get("/api/v1/models").status_code == 200
    assert publish(operator, "ours").status_code == 403
    assert operator.put(f"/api/v1/models/weights/{DIGEST}", content=WEIGHTS).status_code == 403
    limited = account(dsn, slug=owner.slug, role=Role.ADMIN, sites=[SITE])
    assert publish(Client(base_url=url, headers=limited.key), "ours").status_code == 403


def test_lists_have_pages(api: Client, settings: Settings) -> None:
    uploaded(api)
    for name in ("page-a", "page-b", "page-c"):
        assert publish(api, name).status_code == 202
    seen: list[str] = []
    following: str | None = "/api/v1/models/rollouts?limit=1"
    while following is not None:
        answer = api.get(following).json()
        seen += [one["model"] for one in answer["items"]]
        following = answer["next"]
    assert seen == sorted(seen) and {"page-a", "page-b", "page-c"} <= set(seen)
    assert api.get("/api/v1/models?cursor=x").status_code == 422
