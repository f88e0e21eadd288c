from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from infra.deploy.grafana.registry import as_json, dashboards
from tests.contract.deploy.queries import asked, boards, labels_of, metrics, targets
from tests.contract.etl.cloud import Cloud
from tests.debian_parts import program
from tests.fixtures import ROOT

SQL = [(board, panel, target["rawSql"]) for board, panel, target in targets("rawSql")]
PROMQL = [(board, panel, target["expr"]) for board, panel, target in targets("expr")]
PROVISIONING = ROOT / "infra/deploy/grafana/provisioning"
SERIES = {"time", "metric", "value"}


def expanded(sql: str, cloud: Cloud, grain: str) -> str:
    """Put in what Grafana puts in."""
    chosen = {
        "organisation": "'acme'",
        "site": "'depot-7'",
        "camera": "'gate', 'yard'",
        "grain": grain,
    }
    sql = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 BETWEEN now() - interval '7 days' AND now()", sql)
    sql = re.sub(r"\$(\w+)", lambda found: chosen[found[1]], sql)
    assert "$" not in sql
    return sql


def ask(cloud: Cloud, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run a statement as Grafana's login, in a transaction that only reads."""
    with cloud.connection.transaction():
        cloud.connection.execute("SET LOCAL ROLE sightline_analyst")
        cloud.connection.execute("SET TRANSACTION READ ONLY")
        cursor = cloud.connection.execute(sql.encode())
        assert cursor.description is not None
        return [column.name for column in cursor.description], cursor.fetchall()


@pytest.mark.parametrize("name", dashboards())
def test_the_committed_json_is_what_the_code_makes(name: str) -> None:
    path = ROOT / "infra/deploy/grafana/dashboards" / f"{name}.json"
    fresh = as_json(dashboards()[name])
    stale = "run `.venv/bin/python -m infra.deploy.grafana` and commit what it writes"
    assert path.read_text(encoding="utf-8") == fresh, stale


def test_every_dashboard_can_be_read_back_and_is_told_apart() -> None:
    assert boards().keys() == dashboards().keys()
    for board in boards().values():
        assert Dashboard.from_json(board).title == board["title"]
        numbers = [panel["id"] for panel in board["panels"]]
        titles = [panel["title"] for panel in board["panels"]]
        assert len(set(numbers)) == len(set(titles)) == len(board["panels"]) > 0
    assert len({board["uid"] for board in boards().values()}) == len(boards())


@pytest.mark.parametrize(("board", "panel", "sql"), SQL, ids=[f"{b}-{p}" for b, p, _ in SQL])
def test_the_sql_of_every_panel_gives_rows(board: str, panel: str, sql: str, cloud: Cloud) -> None:
    grains = ("hour", "day", "local_day") if "$grain" in sql else ("",)
    for grain in grains:
        names, rows = ask(cloud, expanded(sql, cloud, grain))
        assert rows
        assert any(value not in (None, 0) for row in rows for value in row)
        (target,) = [
            found for of, title, found in targets("rawSql") if (of, title) == (board, panel)
        ]
        if target["format"] == "time_series":
            assert set(names) == SERIES


def test_the_variables_of_every_dashboard_give_values(cloud: Cloud) -> None:
    for board in boards().values():
        for variable in board.get("templating", {}).get("list", []):
            if variable["type"] == "query":
                _, rows = ask(cloud, expanded(variable["query"], cloud, ""))
                assert rows, variable["name"]


def test_figures_on_panels_are_those_of_the_rows(cloud: Cloud) -> None:
    wanted = {
        ("people-counting", "In (forward and entered)"): 9,
        ("people-counting", "Mean dwell"): 4.5,
        ("false-positives", "False-positive rate"): 2 / 3,
        ("events", "Events"): 6,
        ("fleet", "Online"): 1,
    }
    for (board, panel), value in wanted.items():
        (sql,) = [text for of, title, text in SQL if (of, title) == (board, panel)]
        assert ask(cloud, expanded(sql, cloud, "day"))[1] == [(value,)]


def test_the_login_of_grafana_cannot_write_or_see_secrets(cloud: Cloud) -> None:
    for statement in ("DELETE FROM rollup_counts", "SELECT * FROM users", "SELECT * FROM sessions"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), cloud.connection.transaction():
            cloud.connection.execute("SET LOCAL ROLE sightline_analyst")
            cloud.connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("board", "panel", "query"), PROMQL, ids=[f"{b}-{p}" for b, p, _ in PROMQL]
)
def test_every_metric_of_a_panel_exists(board: str, panel: str, query: str) -> None:
    known = metrics()
    assert asked(query)
    for name in asked(query):
        assert name in known
        assert labels_of(query) <= known[name]


def test_promtool_takes_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, (_, _, query) in enumerate(PROMQL)
    ]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    command = [str(program("promtool", "prometheus")), "check", "rules", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(PROMQL)} rules found" in done.stdout


def test_provisioning_names_the_data_sources_that_panels_ask() -> None:
    text = (PROVISIONING / "datasources/sightline.yaml").read_text()
    sources = {one["uid"]: one["type"] for one in yaml.safe_load(text)["datasources"]}
    used = {
        (found["uid"], found["type"])
        for field in ("rawSql", "expr")
        for _, _, target in targets(field)
        for found in [target["datasource"]]
    }
    assert used == set(sources.items())
    assert "password: $" in text
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/sightline.yaml").read_text())[
        "providers"
    ]
    assert provider["type"] == "file"


def test_the_json_holds_no_address_and_no_secret() -> None:
    text = json.dumps(boards())
    assert not re.search(r"https?://|password", text)
