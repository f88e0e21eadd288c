"""The pure parts of the parts: configurations, command lines, what a log or a status means."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect import connectors
from infra.local import connect, install, jars, kafka, logs, postgres
from infra.local.blueprint import NAMES, closure
from infra.local.connectors import problem_of
from infra.local.daemon import arguments_of, config_of
from infra.local.java import Java
from infra.local.jvm import Jvm
from infra.local.overview import rows_of
from infra.local.paths import check_disk
from infra.local.service import ServiceSpec, service_part
from infra.local.stack import StackConfig
from infra.local.state import PartRecord, StackRecord
from schemas.errors import Fatal

DSN = "postgresql://postgres:p%40ss@127.0.0.1:5433/sightline"


def test_cluster_ids_are_stable_and_differ() -> None:
    first = kafka.cluster_id("0123456789abcdef", "edge-kafka")
    assert first == kafka.cluster_id("0123456789abcdef", "edge-kafka")
    assert first != kafka.cluster_id("0123456789abcdef", "cloud-kafka")
    assert len(base64.urlsafe_b64decode(first + "==")) == 16


@pytest.mark.parametrize("byte", range(256))
def test_no_cluster_id_looks_like_an_option(byte: int) -> None:
    found = kafka.cluster_id(f"{byte:02x}" * 8, "edge-kafka")
    assert not found.startswith("-")
    assert len(base64.urlsafe_b64decode(found + "==")) == 16


def test_a_broker_listens_on_loopback_only() -> None:
    properties = kafka.properties(1111, 2222, Path("/d"))
    assert properties["listeners"] == "BROKER://127.0.0.1:1111,CONTROLLER://127.0.0.1:2222"
    assert properties["auto.create.topics.enable"] == "false"
    assert int(properties["message.max.bytes"]) > 10 << 20


def test_mirrors_face_opposite_ways() -> None:
    up = connectors.mirror_up("e:1", "c:2")
    down = connectors.mirror_down("e:1", "c:2", "depot-7")
    assert (
        up["source.cluster.bootstrap.servers"] == down["target.cluster.bootstrap.servers"] == "e:1"
    )
    assert up["producer.override.bootstrap.servers"] == "c:2"
    assert down["producer.override.bootstrap.servers"] == "e:1"
    assert not [key for key in up if key.startswith("offset-syncs")]
    assert up["header.converter"].endswith("ByteArrayConverter")


def test_sinks_upsert_by_key_and_dead_letter() -> None:
    by_name = {sink.name: sink.config for sink in connectors.jdbc_sinks(DSN, Path("/schemas"))}
    assert sorted(by_name) == [
        f"sink-{name}" for name in ("counts", "events", "health", "receipts", "verdicts")
    ]
    events = by_name["sink-events"]
    assert events["connection.url"] == "jdbc:postgresql://127.0.0.1:5433/sightline"
    assert events["connection.password"] == "p@ss"
    assert "p@ss" not in events["connection.url"]
    key = "event_id,opened_at"
    assert (events["topics"], events["primary.key.fields"]) == ("up.events", key)
    assert events["errors.deadletterqueue.topic.name"] == "dlq.up.events"
    assert events["value.converter.schemas.dir"] == "/schemas"
    tracks = connectors.mongo_sink("mongodb://h:1/?retryWrites=false", Path("/schemas"))
    projected = tracks.config["document.id.strategy.partial.value.projection.list"]
    assert projected == "track_id,site"


def test_a_connector_runs_once_it_and_a_task_run() -> None:
    status: dict[str, Any] = {"name": "x", "connector": {"state": "RUNNING"}, "tasks": []}
    assert problem_of(status, 1) == "0 of 1 tasks have started"
    status["tasks"] = [{"id": 0, "state": "RUNNING"}]
    assert problem_of(status, 1) is None
    status["tasks"] = [{"id": 0, "state": "FAILED", "trace": "A: a\n\tat b\nCaused by: B: why\n"}]
    with pytest.raises(Fatal, match="task 0 of x failed: B: why; correct its configuration"):
        problem_of(status, 1)


def test_the_watchdog_restarts_failed_tasks_but_not_at_every_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status = {"a": {"status": {"connector": {"state": "RUNNING"}, "tasks": [{"state": "FAILED"}]}}}
    posted: list[str] = []
    request = httpx.Request("GET", "http://x")
    monkeypatch.setattr(
        "httpx.get", lambda *_, **__: httpx.Response(200, json=status, request=request)
    )

    def post(url: str, **_: object) -> httpx.Response:
        posted.append(url)
        return httpx.Response(202, request=request)

    monkeypatch.setattr("httpx.post", post)
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    watchdog = connect.TaskWatchdog("http://x")
    for moment in (100.0, 102.0, 104.9, 105.0, 112.0, 115.0):
        now[0] = moment
        watchdog()
    assert posted == ["http://x/connectors/a/restart"] * 3


def test_names_bring_what_they_need_and_unknown_ones_are_refused() -> None:
    assert closure(frozenset({"edge-connect", "mongo"})) == {"edge-connect", "edge-kafka", "mongo"}
    with pytest.raises(Fatal, match="there is no part kafka; the parts are edge-kafka"):
        closure(frozenset({"kafka"}))


def test_the_jar_lists_are_pinned_and_hashed(tmp_path: Path) -> None:
    for name in install.SETS:
        listed = jars.read_list(install._LISTS / f"jars-{name}.txt")
        assert listed and len({jar.file_name for jar in listed}) == len(listed)
    bad = tmp_path / "jars.txt"
    bad.write_text("a:b:1\n")
    with pytest.raises(Fatal, match="not `group:artifact:version sha256:HEX`: a:b:1"):
        jars.read_list(bad)


def test_a_jar_that_is_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = jars.Jar("g", "a", "1", "0" * 64)
    monkeypatch.setattr("shutil.which", lambda _name: None)

    def fake(wanted: list[jars.Jar], folder: Path, left: object) -> str:
        (folder / wanted[0].file_name).write_bytes(b"not it")
        return ""

    monkeypatch.setattr(jars, "_by_jgo", fake)
    with pytest.raises(Fatal, match=r"1 jars could not be fetched \(first: g:a:1"):
        jars.fetch([jar], tmp_path, lambda _there, _wanted: None)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_installation_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError), install.becoming(tmp_path / "x") as folder:
        (folder / "half").touch()
        raise ValueError
    assert list(tmp_path.iterdir()) == []
    with install.becoming(tmp_path / "x") as folder:
        (folder / "whole").touch()
    assert (tmp_path / "x" / "whole").exists()


def test_archives_are_used_when_they_are_there(tmp_path: Path) -> None:
    program = tmp_path / "java"
    program.touch()
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "b.jar").touch()
    (tmp_path / "kafka" / "a.jar").touch()
    archives = tmp_path / "archives"
    archives.mkdir()
    jvm = Jvm(Java(program, 25), tmp_path, archives)
    plain = jvm.command("kafka", "kafka.Kafka", "x", heap_mib=64)
    assert plain[-3:] == (f"{tmp_path}/kafka/a.jar:{tmp_path}/kafka/b.jar", "kafka.Kafka", "x")
    assert not [option for option in plain if "SharedArchive" in option]
    (archives / "Kafka.jsa").touch()
    assert f"-XX:SharedArchiveFile={archives}/Kafka.jsa" in jvm.command(
        "kafka", "kafka.Kafka", heap_mib=64
    )


def test_a_closed_folder_cannot_be_reached(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "in").mkdir(parents=True)
    closed.chmod(0o700)
    assert not postgres.reachable(closed / "in", 65534)
    assert postgres.reachable(Path("/usr/bin"), 65534)


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path) -> None:
    check_disk(tmp_path / "not" / "there", 1)
    with pytest.raises(Fatal, match=r"only \d+ MiB are free on the disk under .*--data-dir"):
        check_disk(tmp_path, 1 << 60)


def test_logs_are_bounded_and_explained(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    logs.rotate(log)
    log.write_bytes(b"x" * 100)
    logs.rotate(log, limit=50)
    assert log.stat().st_size == 0 and (tmp_path / "a.log.1").stat().st_size == 100
    assert logs.tail(tmp_path / "a.log.1", 3) == "xxx" and logs.tail(tmp_path / "none") == ""
    assert logs.explain("bind: Address already in use") is not None
    assert logs.explain("all is well") is None


def test_a_service_is_this_python_and_learns_its_port() -> None:
    spec = ServiceSpec("agent", ("run", "agent"), env={"A": "own"}).with_environment(
        {"A": "x", "B": "y"}
    )
    part = service_part(spec.name, spec.args, spec.env, 4242, needs=("edge-kafka",))
    assert part.command[1:] == ("-m", "infra.cli.main", "run", "agent")
    assert part.env["A"] == "own" and part.env["B"] == "y"
    assert part.env["SIGHTLINE_HTTP_PORT"] == "4242" and part.needs == ("edge-kafka",)


def test_a_configuration_survives_its_command_line(tmp_path: Path) -> None:
    config = StackConfig(
        data_dir=tmp_path,
        parts=frozenset({"mongo", "postgres"}),
        model_repository=tmp_path / "models",
        models=("foreground",),
        ports={"postgres.sql": 5432},
        java=Path("/java"),
    )
    assert config_of(arguments_of(config)) == config
    assert config_of(arguments_of(StackConfig(data_dir=tmp_path))) == StackConfig(data_dir=tmp_path)


def test_a_part_whose_process_has_gone_is_dead() -> None:
    record = StackRecord(stack_id="x", boot="another")
    record.parts = {name: PartRecord(state="ready", pid=2**22 + 1, start=1) for name in NAMES}
    rows = rows_of(record, 0.0)
    assert {(row.state, row.pid, row.memory_bytes) for row in rows} == {("dead", None, None)}
