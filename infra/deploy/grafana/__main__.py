"""Write all dashboards: ``python -m infra.deploy.grafana``."""

from __future__ import annotations

from infra.deploy.grafana.registry import FOLDER, as_json, dashboards

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, dashboard in dashboards().items():
        (FOLDER / f"{name}.json").write_text(as_json(dashboard), encoding="utf-8")
