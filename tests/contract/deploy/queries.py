"""What dashboards and rules ask, as text."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from tests.fixtures import ROOT

DASHBOARDS = ROOT / "infra/deploy/grafana/dashboards"
RULES = ROOT / "infra/deploy/prometheus/rules"
SYNTHETIC = {"up"}
"""Metrics that Prometheus itself makes."""
_NAME = re.compile(r"\b(?:sightline_[a-z0-9_]*|nv_[a-z0-9_]*|up)\b")


def boards() -> dict[str, dict[str, Any]]:
    """Return the committed dashboards by name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(DASHBOARDS.glob("*.json"))
    }


def targets(field: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (dashboard, panel, target) of every target that has the field."""
    for name, board in boards().items():
        for panel in board["panels"]:
            for target in panel["targets"]:
                if field in target:
                    yield name, panel["title"], target


def alerts() -> dict[str, dict[str, Any]]:
    """Return every alert rule by its name."""
    return {
        rule["alert"]: rule
        for path in sorted(RULES.glob("*.yaml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    }


def metrics() -> dict[str, set[str]]:
    """Return each metric of ours, by the name that is asked for, with its labels."""
    found: dict[str, set[str]] = {name: {"instance", "job"} for name in SYNTHETIC}
    for package in ("infra/runtime", "producers", "streams", "consumers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if re.search(r"^from prometheus_client import", path.read_text(), re.MULTILINE):
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for collector in list(REGISTRY._collector_to_names):
        if not isinstance(collector, MetricWrapperBase):
            continue
        labels = {*collector._labelnames, "instance", "job"}
        if isinstance(collector, Histogram):
            for suffix in ("bucket", "count", "sum"):
                found[f"{collector._name}_{suffix}"] = labels | {"le"}
        elif isinstance(collector, Counter):
            found[f"{collector._name}_total"] = labels
        else:
            found[collector._name] = labels
    return found


def asked(expression: str) -> set[str]:
    """Return the metrics that an expression names.

    >>> sorted(asked('sum by (up) (rate(sightline_a_total{x="y"}[5m])) > 0 and up == 1'))
    ['sightline_a_total', 'up']
    """
    without = re.sub(r"\b(?:by|on|without)\s*\([^)]*\)|\{[^}]*\}", "", expression)
    return set(_NAME.findall(without))


def labels_of(expression: str) -> set[str]:
    """Return the labels that an expression groups by or compares."""
    grouped = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
    compared = re.findall(r"[{,]\s*([a-z_]+)\s*[=!]", expression)
    return {name.strip() for group in grouped for name in group.split(",")} | set(compared)
