"""Every part of the embedded stack answers a real request, survives being killed, and stops."""

from __future__ import annotations

import io
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
import tritonclient.http as triton_http
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from minio import Minio
from pymongo import MongoClient

from infra.local import triton
from infra.local.blueprint import NAMES
from infra.local.ports import HOST
from infra.local.stack import Stack, StackConfig
from schemas.errors import Fatal

ECHO_MODEL = """
import os, sys
sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
import numpy
import triton_python_backend_utils as utils

class TritonPythonModel:
    def execute(self, requests):
        answers = []
        for request in requests:
            value = utils.get_input_tensor_by_name(request, "IN").as_numpy()
            tensor = utils.Tensor("OUT", numpy.multiply(value, 2))
            answers.append(utils.InferenceResponse(output_tensors=[tensor]))
        return answers
"""
ECHO_CONFIG = """
name: "echo"
backend: "python"
max_batch_size: 0
input [{ name: "IN" data_type: TYPE_FP32 dims: [-1] }]
output [{ name: "OUT" data_type: TYPE_FP32 dims: [-1] }]
instance_group [{ kind: KIND_CPU }]
"""


def make_topic(bootstrap: str, name: str, partitions: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(20)


def produce(bootstrap: str, topic: str, value: bytes, **fields: Any) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce(topic, value, **fields)
    assert producer.flush(20) == 0


def consume(bootstrap: str, topic: str, count: int = 1, within_s: float = 30.0) -> list[Any]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": str(uuid.uuid4()),
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    found: list[Any] = []
    deadline = time.monotonic() + within_s
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            found.append(message)
    consumer.close()
    return found


@pytest.mark.parametrize("side", ["edge_kafka", "cloud_kafka"])
def test_broker_keeps_a_record_and_makes_no_topic_by_itself(stack: Stack, side: str) -> None:
    bootstrap = getattr(stack.endpoints, side)
    make_topic(bootstrap, "plain")
    produce(bootstrap, "plain", b"value", key=b"k")
    (message,) = consume(bootstrap, "plain")
    assert (message.key(), message.value()) == (b"k", b"value")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.list_topics("nobody-made-this", timeout=10)
    assert "nobody-made-this" not in admin.list_topics(timeout=10).topics


def test_workers_offer_their_plugins(stack: Stack) -> None:
    def classes(url: str) -> set[str]:
        return {entry["class"] for entry in httpx.get(f"{url}/connector-plugins").json()}

    assert "org.apache.kafka.connect.mirror.MirrorSourceConnector" in classes(
        stack.endpoints.edge_connect
    )
    assert {
        "io.debezium.connector.jdbc.JdbcSinkConnector",
        "com.mongodb.kafka.connect.MongoSinkConnector",
    } <= classes(stack.endpoints.cloud_connect)


def test_triton_serves_a_python_model_and_has_it_again_after_a_kill(stack: Stack) -> None:
    folder = Path(stack.data_dir / "models" / "echo" / "1")
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(ECHO_MODEL)
    (folder.parent / "config.pbtxt").write_text(ECHO_CONFIG)
    ends = stack.endpoints
    triton.load_model(ends.triton_http, "echo")

    def double() -> float:
        client = triton_http.InferenceServerClient(ends.triton_http.removeprefix("http://"))
        given = triton_http.InferInput("IN", [1], "FP32")
        given.set_data_from_numpy(np.array([21.0], np.float32))
        return float(client.infer("echo", [given]).as_numpy("OUT")[0])

    assert double() == 42.0
    time.sleep(3)
    stack.kill("triton")
    stack.wait_part("triton")
    assert double() == 42.0
    assert httpx.get(ends.triton_metrics).status_code == 200


def test_triton_says_why_a_model_does_not_load(stack: Stack) -> None:
    with pytest.raises(Fatal, match="cannot load the model missing"):
        triton.load_model(stack.endpoints.triton_http, "missing")


def test_postgres_wants_the_password(stack: Stack) -> None:
    dsn = stack.endpoints.postgres_dsn
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select current_database(), current_setting('server_version')")
        name, version = row.fetchone() or ("", "")
    assert name == "sightline" and version.startswith("18.")
    secret = stack.record().secrets["postgres"]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(dsn.replace(secret, "wrong"))


def test_mongo_keeps_documents_over_a_kill(stack: Stack) -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(stack.endpoints.mongo_url)
    things = client["sightline"]["things"]
    things.replace_one({"_id": "a"}, {"_id": "a", "path": [[0.1, 0.2], [0.3, 0.4]]}, upsert=True)
    time.sleep(2)
    stack.kill("mongo")
    stack.wait_part("mongo")
    assert things.find_one({"_id": "a"}) == {"_id": "a", "path": [[0.1, 0.2], [0.3, 0.4]]}


def test_storage_keeps_objects_and_every_other_door_is_locked(stack: Stack) -> None:
    ends = stack.endpoints
    address = ends.s3_url.removeprefix("http://")
    client = Minio(
        address, access_key=ends.s3_access_key, secret_key=ends.s3_secret_key, secure=False
    )
    client.put_object(ends.s3_bucket, "a/b.jpg", io.BytesIO(b"bytes"), 5)
    assert client.get_object(ends.s3_bucket, "a/b.jpg").read() == b"bytes"
    assert httpx.get(f"{ends.s3_url}/{ends.s3_bucket}/a/b.jpg").status_code == 403
    ports = stack.record().parts["seaweedfs"].ports
    path = f"buckets/{ends.s3_bucket}/a/b.jpg"
    assert httpx.get(f"http://{HOST}:{ports['filer']}/{path}").status_code == 401


def test_a_killed_broker_comes_back_with_its_records(stack: Stack) -> None:
    bootstrap = stack.endpoints.edge_kafka
    make_topic(bootstrap, "kept", 2)
    produce(bootstrap, "kept", b"before", partition=1)
    before = stack.record().parts["edge-kafka"].pid
    stack.kill("edge-kafka")
    time.sleep(0.3)
    stack.wait_part("edge-kafka")
    part = stack.record().parts["edge-kafka"]
    assert part.pid != before and part.restarts == 1
    (message,) = consume(bootstrap, "kept")
    assert message.value() == b"before" and message.partition() == 1


def test_a_stopped_part_stays_stopped_until_it_is_started(stack: Stack) -> None:
    dsn = stack.endpoints.postgres_dsn
    stack.stop_part("postgres")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn, connect_timeout=2)
    stack.start_part("postgres")
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_second_start_on_the_same_data_is_refused(stack: Stack) -> None:
    with pytest.raises(Fatal, match="already running"):
        Stack(StackConfig(data_dir=stack.data_dir)).start()
    assert Stack.attach(stack.data_dir) == stack.endpoints


def test_another_stack_runs_beside_and_disturbs_nothing(stack: Stack, tmp_path: Path) -> None:
    pids = {name: part.pid for name, part in stack.record().parts.items()}
    other = Stack(StackConfig(data_dir=tmp_path, parts=frozenset({"edge-kafka", "seaweedfs"})))
    other.start()
    try:
        make_topic(other.endpoints.edge_kafka, "only-there")
        admin = AdminClient({"bootstrap.servers": stack.endpoints.edge_kafka})
        assert "only-there" not in admin.list_topics(timeout=10).topics
    finally:
        other.stop()
    assert pids == {name: part.pid for name, part in stack.record().parts.items()}
    assert set(pids) == set(NAMES)


def test_a_topic_that_is_not_there_is_refused(stack: Stack) -> None:
    admin = AdminClient({"bootstrap.servers": stack.endpoints.cloud_kafka})
    with pytest.raises(KafkaException):
        admin.delete_topics(["not-there"])["not-there"].result(10)
