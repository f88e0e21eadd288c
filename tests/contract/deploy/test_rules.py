from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.contract.deploy.alert_cases import CASES, Case
from tests.contract.deploy.queries import RULES, alerts, asked, labels_of, metrics
from tests.debian_parts import program
from tests.fixtures import ROOT

PROMETHEUS = ROOT / "infra/deploy/prometheus"


def promtool(*arguments: str | Path) -> None:
    command = [str(program("promtool", "prometheus")), *map(str, arguments)]
    done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_rules_and_configuration() -> None:
    promtool("check", "config", "prometheus.yaml")
    promtool("check", "rules", *sorted(RULES.glob("*.yaml")))


def test_alerts_ring_when_they_should_and_are_still_otherwise(tmp_path: Path) -> None:
    tests = [
        {
            "name": case.alert,
            "interval": "1m",
            "input_series": [{"series": one, "values": text} for one, text in series.items()],
            "alert_rule_test": [
                {"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}
            ],
        }
        for case in CASES
        for series, expected in ((case.rings, [rung(case)]), (case.still, []))
    ]
    path = tmp_path / "alerts.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES / "*.yaml")], "tests": tests}))
    promtool("test", "rules", path)


def rung(case: Case) -> dict[str, dict[str, str]]:
    """Return the alert as it rings, in promtool's form."""
    rule = alerts()[case.alert]
    action = re.sub(
        r"\{\{ \$labels\.(\w+) }}",
        lambda found: case.labels[found[1]],
        rule["annotations"]["action"],
    )
    return {
        "exp_labels": {**rule["labels"], **case.labels},
        "exp_annotations": {"summary": case.summary, "action": action},
    }


def test_every_alert_is_tried() -> None:
    assert {case.alert for case in CASES} == alerts().keys()


@pytest.mark.parametrize("name", alerts())
def test_an_alert_asks_for_what_exists_and_says_what_to_do(name: str) -> None:
    rule, known = alerts()[name], metrics()
    assert asked(rule["expr"])
    for metric in asked(rule["expr"]):
        assert metric in known
        assert labels_of(rule["expr"]) <= known[metric]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"].keys() == {"summary", "action"}
