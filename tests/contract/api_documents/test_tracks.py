"""Tracks by where they went, in a real PostgreSQL, and whole out of a Mongo-wire server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from httpx import Client
from pymongo import MongoClient

from consumers.access.permissions import Role
from consumers.documents import track_search
from infra.runtime.settings import Settings
from tests.access_helpers import Account, account
from tests.contract.api_documents.conftest import FOREIGN_SITE, SITE

DAY = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WALK = [(0.0, 0.0, 0.5), (10.0, 1.0, 0.5)]
MIDDLE = "0.4,0.4,0.6,0.4,0.6,0.6,0.4,0.6"
DOOR = "0.5,0,0.5,1"


def insert(
    dsn: str,
    track_id: str,
    started_at: datetime,
    path: list[tuple[float, float, float]],
    **more: Any,
) -> None:
    """Write a track as the ETL does."""
    xs, ys = [x for _, x, _ in path], [y for _, _, y in path]
    row = {
        "track_id": track_id,
        "site": SITE,
        "camera": "gate",
        "class_name": "person",
        "zones": ["lawn"],
        "started_at": started_at,
        "ended_at": started_at + timedelta(seconds=path[-1][0]),
        "path": [number for point in path for number in point],
        "area": f"({max(xs)},{max(ys)}),({min(xs)},{min(ys)})",
        **more,
    }
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO tracks (track_id, site, camera, epoch_at, class_name, score_mean, "
            "score_max, observations, started_at, ended_at, path, area, zones, colours, "
            "config_version, model, model_version) VALUES (%(track_id)s, %(site)s, %(camera)s, "
            "%(started_at)s, %(class_name)s, 0.5, 0.9, 50, %(started_at)s, %(ended_at)s, %(path)s, "
            "%(area)s, %(zones)s, '{}', 1, 'yolox', '1')",
            row,
        )


@pytest.fixture(scope="module", autouse=True)
def stored(settings: Settings, owner: Account, stranger: Account) -> None:
    dsn = settings.postgres_dsn
    insert(dsn, "walker", DAY, WALK)
    insert(dsn, "returner", DAY + timedelta(minutes=1), [*WALK, (20.0, 0.0, 0.5)])
    insert(dsn, "passer", DAY + timedelta(minutes=2), [(0.0, 0.0, 0.1), (10.0, 1.0, 0.1)])
    diagonal = [(0.0, 0.0, 0.7), (5.0, 0.3, 1.0), (9.0, 1.0, 1.0)]
    insert(dsn, "beside", DAY + timedelta(minutes=3), diagonal, class_name="car", zones=[])
    insert(dsn, "yard", DAY + timedelta(minutes=4), WALK, camera="yard")
    insert(dsn, "sitter", DAY - timedelta(hours=30), [(0.0, 0.5, 0.5), (200_000.0, 0.5, 0.5)])
    insert(dsn, "theirs", DAY, WALK, site=FOREIGN_SITE)


@pytest.fixture
def api(url: str, owner: Account) -> Client:
    return Client(base_url=url, headers=owner.key, timeout=60)


def query(**more: Any) -> str:
    values = {
        "site": SITE,
        "camera": "gate",
        "since": DAY.isoformat(),
        "until": (DAY + timedelta(hours=1)).isoformat(),
        **more,
    }
    known = {name: value for name, value in values.items() if value is not None}
    return f"/api/v1/tracks?{urlencode(known, doseq=True)}"


def found(api: Client, **more: Any) -> dict[str, dict[str, Any]]:
    answer = api.get(query(**more))
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    return {one["track_id"]: one for one in answer.json()["items"]}


def seconds(at: str, since: datetime = DAY) -> float:
    return round((datetime.fromisoformat(at) - since).total_seconds(), 3)


def test_who_was_in_the_polygon_and_when(api: Client) -> None:
    tracks = found(api, within=MIDDLE)
    assert list(tracks) == ["returner", "walker", "sitter"], "those that began last first"
    (stay,) = tracks["walker"]["stays"]
    assert (seconds(stay["from_at"]), seconds(stay["until_at"])) == (4.0, 6.0)
    assert len(tracks["returner"]["stays"]) == 2
    assert tracks["walker"]["crossings"] == []
    (long,) = tracks["sitter"]["stays"]
    assert seconds(long["until_at"], DAY - timedelta(hours=30)) == 200_000


def test_who_was_there_at_another_time_does_not_count(api: Client) -> None:
    late = found(api, within=MIDDLE, since=(DAY + timedelta(seconds=7)).isoformat())
    assert list(late) == ["returner", "sitter"]
    early = found(api, within=MIDDLE, until=(DAY + timedelta(seconds=4)).isoformat())
    assert list(early) == ["sitter"], "the end is not included"
    touching = found(api, within=MIDDLE, since=(DAY + timedelta(seconds=5)).isoformat())
    assert "walker" in touching, "it was inside before and after"


def test_who_crossed_the_line_and_which_way(api: Client) -> None:
    tracks = found(api, across=DOOR)
    assert list(tracks) == ["beside", "passer", "returner", "walker"]
    (crossing,) = tracks["walker"]["crossings"]
    assert (seconds(crossing["at"]), crossing["direction"]) == (5.0, "backward")
    assert list(found(api, across=DOOR, direction="forward")) == ["returner"]
    both = found(api, across=DOOR, within=MIDDLE)
    assert list(both) == ["returner", "walker"]


def test_tracks_are_listed_by_what_they_are(api: Client) -> None:
    assert list(found(api, class_name="car")) == ["beside"]
    assert "beside" not in found(api, zone="lawn")
    assert "yard" in found(api, camera=["gate", "yard"])
    assert list(found(api, camera=None, since=(DAY + timedelta(minutes=4)).isoformat())) == [
        *("yard", "sitter")
    ]


def test_pages_bring_everything_once_whatever_is_looked_at(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track_search, "ROUND", 2)
    monkeypatch.setattr(track_search, "MOST_EXAMINED", 2)
    for limit in (1, 2, 5):
        seen: list[str] = []
        following: str | None = query(within=MIDDLE, limit=limit)
        pages = 0
        while following is not None:
            answer = api.get(following).json()
            seen += [one["track_id"] for one in answer["items"]]
            following, pages = answer["next"], pages + 1
            assert pages < 20
        assert seen == ["returner", "walker", "sitter"]


def test_scopes_and_tenants(
    url: str, api: Client, settings: Settings, owner: Account, stranger: Account
) -> None:
    theirs = Client(base_url=url, headers=stranger.key)
    assert found(theirs, within=MIDDLE) == {}
    assert list(found(theirs, site=FOREIGN_SITE, within=MIDDLE)) == ["theirs"]
    assert found(api, site=FOREIGN_SITE) == {}
    dsn = settings.postgres_dsn
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO cameras (site, camera, organisation_id) VALUES (%s, 'yard', %s) "
            "ON CONFLICT DO NOTHING",
            [SITE, owner.organisation_id],
        )
        row = connection.execute(
            "INSERT INTO camera_groups (organisation_id, name) VALUES (%s, 'yards') "
            "RETURNING group_id",
            [owner.organisation_id],
        ).fetchone()
        assert row is not None
        connection.execute(
            "INSERT INTO camera_group_members VALUES (%s, %s, 'yard', %s)",
            [row[0], SITE, owner.organisation_id],
        )
    limited = account(dsn, slug=owner.slug, role=Role.VIEWER, groups=[row[0]])
    yard = Client(base_url=url, headers=limited.key)
    assert list(found(yard, camera=None)) == ["yard"]
    assert found(yard, within=MIDDLE) == {}


@pytest.mark.parametrize(
    "more",
    [
        {"within": "0,0,1,1,1,0,0,1"},
        {"within": "0,0,0.5,0.5,1,1"},
        {"within": "0,0,0,0,0,0"},
        {"within": "0,0,1,1"},
        {"within": "0,0,1,1,nan,0"},
        {"within": "0,0,1,1,1e400,0"},
        {"within": "-1,0,1,1,1,0"},
        {"within": ",".join(["0.5,0.25", *["0.1,0.1"] * 100])},
        {"within": MIDDLE, "camera": ["gate", "yard"]},
        {"within": MIDDLE, "camera": None},
        {"across": "0.5,0.5,0.5,0.5"},
        {"across": "0.5"},
        {"direction": "forward"},
        {"across": DOOR, "direction": "sideways"},
        {"until": (DAY + timedelta(days=32)).isoformat()},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"since": "2026-03-01T12:00:00"},
        {"since": "99999999999999999999"},
        {"site": "a\x00"},
        {"class_name": "a\x00"},
        {"camera": "\U0001f600"},
        {"cursor": "x"},
        {"limit": 0},
        {"limit": 10**30},
        {"unknown": 1},
    ],
)
def test_odd_searches_are_refused(api: Client, more: dict[str, Any]) -> None:
    answer = api.get(query(**more))
    assert answer.status_code == 422, answer.text


def test_a_whole_track_comes_from_mongo(
    url: str, api: Client, settings: Settings, owner: Account, stranger: Account
) -> None:
    document = {
        "_id": {"track_id": "gate-1-2-0", "site": SITE},
        "track_id": "gate-1-2-0",
        "site": SITE,
        "camera": "gate",
        "epoch_at": DAY,
        "class_name": "person",
        "score_mean": 0.5,
        "score_max": 0.75,
        "observations": 9,
        "started_at": DAY,
        "ended_at": DAY + timedelta(seconds=9),
        "path": [{"at": DAY, "x": 0.25, "y": 0.5}],
        "zones": ["lawn"],
        "colours": [],
        "config_version": 1,
    }
    with MongoClient[dict[str, Any]](settings.mongo_url) as client:
        client["sightline"]["tracks"].insert_one(document)
    answer = api.get(f"/api/v1/tracks/{SITE}/gate-1-2-0")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown["path"] == [{"at": "2026-03-01T12:00:00Z", "x": 0.25, "y": 0.5}]
    assert (shown["track_id"], shown["model"]) == ("gate-1-2-0", "")
    theirs = Client(base_url=url, headers=stranger.key)
    limited = account(settings.postgres_dsn, slug=owner.slug, role=Role.VIEWER, sites=["other"])
    assert theirs.get(f"/api/v1/tracks/{SITE}/gate-1-2-0").status_code == 404
    assert theirs.get(f"/api/v1/tracks/{FOREIGN_SITE}/gate-1-2-0").status_code == 404
    elsewhere = Client(base_url=url, headers=limited.key)
    assert elsewhere.get(f"/api/v1/tracks/{SITE}/gate-1-2-0").status_code == 404
    assert api.get(f"/api/v1/tracks/{SITE}/none").status_code == 404
    assert api.get(f"/api/v1/tracks/{SITE}/a%00b").status_code == 422
