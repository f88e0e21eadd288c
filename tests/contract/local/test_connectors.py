"""MirrorMaker and the sinks carry real records between the real parts."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from confluent_kafka import Producer
from pymongo import MongoClient

from connect import connectors
from infra.local.connectors import apply, remove
from infra.local.paths import REPOSITORY
from infra.local.stack import Stack
from schemas.codec import encode
from schemas.errors import Fatal
from schemas.records import Count, PathPoint, Track
from tests.contract.local.test_stack import consume, make_topic, produce

SCHEMAS = REPOSITORY / "schemas" / "avro"
COUNT = Count(
    count_id="depot/gate/line/1",
    site="depot",
    camera="gate",
    sensor="line",
    minute_at=1_700_000_000_000,
    forward=1,
    backward=0,
    entries=0,
    exits=0,
    occupancy_max=3,
    dwell_total_s=1.5,
    dwell_max_s=1.5,
    revision=1,
    config_version=1,
)
TRACK = Track(
    track_id="gate-1-2-0",
    site="depot",
    camera="gate",
    epoch_at=1_700_000_000_000,
    class_name="person",
    score_mean=0.5,
    score_max=0.75,
    observations=9,
    started_at=1_700_000_000_000,
    ended_at=1_700_000_009_000,
    path=(PathPoint(at=1_700_000_000_000, x=0.25, y=0.5),),
    zones=("lawn",),
    colours=(),
    config_version=1,
)
TABLE = """
create table counts (count_id text primary key, site text, camera text, sensor text,
  minute_at timestamptz, forward bigint, backward bigint, entries bigint, exits bigint,
  occupancy_max bigint, dwell_total_s double precision, dwell_max_s double precision,
  revision bigint, config_version bigint, arrived_at timestamptz default now())
"""


def eventually(look: Callable[[], Any], wanted: Any, within_s: float = 40.0) -> None:
    deadline = time.monotonic() + within_s
    while (found := look()) != wanted:
        assert time.monotonic() < deadline, f"{found!r} is not {wanted!r}"
        time.sleep(0.2)


def test_mirrors_carry_bytes_both_ways_and_keep_partition_and_headers(stack: Stack) -> None:
    ends = stack.endpoints
    for bootstrap in (ends.edge_kafka, ends.cloud_kafka):
        make_topic(bootstrap, "up.test", 12)
        make_topic(bootstrap, "down.depot-7.test")
        make_topic(bootstrap, "down.other.test")
    for _ in range(2):
        up = connectors.mirror_up(ends.edge_kafka, ends.cloud_kafka)
        apply(ends.edge_connect, "mirror-up", up)
    down = connectors.mirror_down(ends.edge_kafka, ends.cloud_kafka, "depot-7")
    apply(ends.edge_connect, "mirror-down", down)
    headers = [("site", b"\x00\xff")]
    produce(ends.edge_kafka, "up.test", b"v", key=b"k", partition=7, headers=headers)
    (message,) = consume(ends.cloud_kafka, "up.test")
    assert (message.partition(), message.key(), message.value()) == (7, b"k", b"v")
    assert message.headers() == headers
    big = Producer({"bootstrap.servers": ends.edge_kafka, "message.max.bytes": 11 << 20})
    big.produce("up.test", bytes(10 << 20), partition=3)
    assert big.flush(20) == 0
    assert sorted(len(m.value()) for m in consume(ends.cloud_kafka, "up.test", 2)) == [1, 10 << 20]
    produce(ends.cloud_kafka, "down.other.test", b"not ours")
    produce(ends.cloud_kafka, "down.depot-7.test", b"ours")
    assert [m.value() for m in consume(ends.edge_kafka, "down.depot-7.test")] == [b"ours"]
    assert consume(ends.edge_kafka, "down.other.test", within_s=3) == []


def test_counts_reach_postgres_and_poison_the_dead_letters(stack: Stack) -> None:
    ends = stack.endpoints
    make_topic(ends.cloud_kafka, "up.counts")
    make_topic(ends.cloud_kafka, "dlq.up.counts")
    with psycopg.connect(ends.postgres_dsn) as connection:
        connection.execute(TABLE)
    sinks = {sink.name: sink.config for sink in connectors.jdbc_sinks(ends.postgres_dsn, SCHEMAS)}
    apply(ends.cloud_connect, "sink-counts", sinks["sink-counts"])
    good = encode(COUNT)
    for value in (good, b"\x00\x00\x00\x00\x63x", b"no framing", good[:9], good + b"!"):
        produce(ends.cloud_kafka, "up.counts", value, key=b"depot/gate")
    newer = dataclasses.replace(COUNT, forward=5, revision=2)
    produce(ends.cloud_kafka, "up.counts", encode(newer), key=b"depot/gate")

    def rows() -> list[Any]:
        with psycopg.connect(ends.postgres_dsn) as connection:
            columns = "count_id, forward, revision, extract(epoch from minute_at)::bigint"
            return connection.execute(f"select {columns} from counts").fetchall()

    eventually(rows, [("depot/gate/line/1", 5, 2, 1_700_000_000)])
    letters = consume(ends.cloud_kafka, "dlq.up.counts", 4)
    assert [letter.value() for letter in letters][1] == b"no framing"
    reasons = [
        dict(letter.headers())["__connect.errors.exception.message"].decode() for letter in letters
    ]
    assert "unknown schema id 99" in reasons[0] and "not Confluent framing" in reasons[1]
    assert "cannot decode" in reasons[2] and "left over" in reasons[3]

    stack.stop_part("postgres")
    produce(ends.cloud_kafka, "up.counts", encode(dataclasses.replace(newer, forward=6)))
    time.sleep(4)
    stack.start_part("postgres")
    eventually(lambda: rows()[0][1], 6, within_s=90)


def test_tracks_reach_mongo_whole(stack: Stack) -> None:
    ends = stack.endpoints
    make_topic(ends.cloud_kafka, "up.tracks")
    make_topic(ends.cloud_kafka, "dlq.up.tracks")
    sink = connectors.mongo_sink(ends.mongo_url, SCHEMAS)
    apply(ends.cloud_connect, sink.name, sink.config)
    produce(ends.cloud_kafka, "up.tracks", encode(TRACK), key=b"depot/gate")
    produce(ends.cloud_kafka, "up.tracks", b"poison", key=b"depot/gate")
    newer = dataclasses.replace(TRACK, observations=10)
    produce(ends.cloud_kafka, "up.tracks", encode(newer), key=b"depot/gate")
    tracks: Any = MongoClient(ends.mongo_url)["sightline"]["tracks"]
    # A site of another name may have a track of the same.
    other = dataclasses.replace(TRACK, site="another", observations=1)
    produce(ends.cloud_kafka, "up.tracks", encode(other), key=b"another/gate")
    eventually(lambda: sorted(d.get("observations") for d in tracks.find()), [1, 10])
    document = tracks.find_one({"_id": {"track_id": "gate-1-2-0", "site": TRACK.site}})
    assert document["path"][0]["x"] == 0.25 and document["zones"] == ["lawn"]
    assert len(consume(ends.cloud_kafka, "dlq.up.tracks")) == 1


def test_a_failed_task_is_started_again(stack: Stack) -> None:
    ends = stack.endpoints
    make_topic(ends.cloud_kafka, "up.late")
    make_topic(ends.cloud_kafka, "dlq.up.late")
    sink = connectors.jdbc_sink("up.late", "late", ["count_id"], ends.postgres_dsn, SCHEMAS)
    config = {**sink.config, "flush.max.retries": "0", "connection.restart.on.errors": "false"}
    apply(ends.cloud_connect, sink.name, config)
    produce(ends.cloud_kafka, "up.late", encode(COUNT))

    def state() -> str:
        answer = httpx.get(f"{ends.cloud_connect}/connectors/{sink.name}/status").json()
        return str(json.loads(json.dumps(answer))["tasks"][0]["state"])

    eventually(state, "FAILED")
    with psycopg.connect(ends.postgres_dsn) as connection:
        connection.execute(TABLE.replace("counts", "late"))

    def rows() -> int:
        with psycopg.connect(ends.postgres_dsn) as connection:
            return len(connection.execute("select 1 from late").fetchall())

    eventually(rows, 1, within_s=60)
    remove(ends.cloud_connect, sink.name)
    remove(ends.cloud_connect, sink.name)


def test_a_wrong_configuration_is_refused_with_connects_reason(stack: Stack) -> None:
    with pytest.raises(Fatal, match=r"refuses the configuration of wrong: .*NoSuchConnector"):
        config = {"connector.class": "NoSuchConnector", "tasks.max": "1"}
        apply(stack.endpoints.edge_connect, "wrong", config, within_s=5)
