"""What panels ask: SQL of the cloud's Postgres, and PromQL."""

from __future__ import annotations

from typing import Literal

from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

POSTGRES = DataSourceRef(type_val="postgres", uid="sightline-postgres")
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="sightline-prometheus")
Format = Literal["time_series", "table"]


class SqlQuery(Dataquery, Builder[Dataquery]):
    """One statement; a time series has the columns ``time``, ``metric`` and ``value``."""

    def __init__(self, sql: str, shape: Format) -> None:
        self.sql = " ".join(sql.split())
        self.shape = shape

    def build(self) -> Dataquery:
        """Return itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return what Grafana's plugin for Postgres reads."""
        return {
            "datasource": POSTGRES,
            "editorMode": "code",
            "format": self.shape,
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": "A",
        }


def promql(expression: str, legend: str, reference: str) -> Builder[Dataquery]:
    """Return a query of Prometheus; ``legend`` names series by their labels, as ``{{topic}}``."""
    query = PrometheusQuery().expr(expression).legend_format(legend).ref_id(reference)
    return query.datasource(PROMETHEUS).range()
