"""All dashboards, and the JSON that is committed of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.deploy.grafana import cameras, counting, events, false_positives, fleet, pipeline

FOLDER = Path(__file__).parent / "dashboards"


def dashboards() -> Mapping[str, Dashboard]:
    """Return every dashboard by the name of its file."""
    return {
        "fleet": fleet.build(),
        "events": events.build(),
        "people-counting": counting.build(),
        "camera-health": cameras.build(),
        "pipeline": pipeline.build(),
        "false-positives": false_positives.build(),
    }


def as_json(dashboard: Dashboard) -> str:
    """Return a dashboard as Grafana reads it; panels are numbered in their order."""
    built = dashboard.build()
    for number, panel in enumerate(built.panels or (), 1):
        if isinstance(panel, Panel):
            panel.id_val = number
            panel.options = panel.options or {}
    encoder = JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False)
    return encoder.encode(built) + "\n"
