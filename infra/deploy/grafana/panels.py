"""Panels and variables, as all dashboards here have them."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import barchart, common, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import (
    StackingMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DynamicConfigValue,
    Panel,
    VariableModel,
    VariableOption,
    VariableRefresh,
)

from infra.deploy.grafana.queries import POSTGRES, PROMETHEUS, SqlQuery, promql

HEIGHT = 8
_LETTERS = "ABCDEFGH"
_COLOURED = [
    DynamicConfigValue(
        id_val="custom.cellOptions", value={"type": "color-background", "mode": "gradient"}
    ),
    DynamicConfigValue(id_val="color", value={"mode": "continuous-BlYlRd"}),
]


def number(title: str, sql: str, *, unit: str = "short", width: int = 4) -> Builder[Panel]:
    """Return a single number."""
    panel = stat.Panel().title(title).datasource(POSTGRES).unit(unit).span(width).height(4)
    return panel.with_target(SqlQuery(sql, "table"))


def series(
    title: str, sql: str, *, unit: str = "short", width: int = 12, stacked: bool = False
) -> Builder[Panel]:
    """Return lines over time, of SQL; stacked ones as areas."""
    panel = timeseries.Panel().title(title).datasource(POSTGRES).unit(unit)
    panel = panel.span(width).height(HEIGHT).with_target(SqlQuery(sql, "time_series"))
    return _stacked(panel) if stacked else panel


def measured(
    title: str, *queries: tuple[str, str], unit: str = "short", width: int = 12
) -> Builder[Panel]:
    """Return lines over time, of pairs of PromQL and legend."""
    panel = timeseries.Panel().title(title).datasource(PROMETHEUS).unit(unit)
    panel = panel.span(width).height(HEIGHT)
    for letter, (expression, legend) in zip(_LETTERS, queries, strict=False):
        panel = panel.with_target(promql(expression, legend, letter))
    return panel


def rows(title: str, sql: str, *, width: int = 12, height: int = HEIGHT) -> Builder[Panel]:
    """Return a table."""
    panel = table.Panel().title(title).datasource(POSTGRES).span(width).height(height)
    return panel.with_target(SqlQuery(sql, "table"))


def bars(title: str, sql: str, *, unit: str = "short", width: int = 12) -> Builder[Panel]:
    """Return bars, one for each row: a text, then numbers."""
    panel = barchart.Panel().title(title).datasource(POSTGRES).unit(unit)
    panel = panel.span(width).height(HEIGHT).show_value(VisibilityMode.AUTO)
    return panel.with_target(SqlQuery(sql, "table"))


def picture(title: str, sql: str, *, width: int = 24) -> Builder[Panel]:
    """Return a table of numbers coloured by how large they are: a heat map in rows and columns."""
    panel = (
        table.Panel().title(title).datasource(POSTGRES).span(width).height(16).show_header(False)
    )
    panel = panel.override_by_regexp("c[0-9]+", [*_COLOURED, _width(30)]).unit("s").decimals(0)
    return panel.with_target(SqlQuery(sql, "table"))


def query_variable(name: str, label: str, sql: str, *, many: bool = True) -> Builder[VariableModel]:
    """Return a choice among what SQL finds; of many all are chosen at first."""
    variable = builders.QueryVariable(name).label(label).datasource(POSTGRES).query(sql)
    variable = variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    if not many:
        return variable
    every = VariableOption(text="All", value="$__all", selected=True)
    return variable.multi(True).include_all(True).current(every)


def fixed_variable(name: str, label: str, *values: str) -> Builder[VariableModel]:
    """Return a choice of one among values, at first the first."""
    first = VariableOption(text=values[0], value=values[0], selected=True)
    return builders.CustomVariable(name).label(label).values(",".join(values)).current(first)


ORGANISATION = query_variable(
    "organisation", "Organisation", "SELECT slug FROM organisations ORDER BY slug"
)
SITE = query_variable(
    "site",
    "Site",
    "SELECT site FROM sites JOIN organisations USING (organisation_id) "
    "WHERE slug IN ($organisation) ORDER BY site",
)
CAMERA = query_variable(
    "camera", "Camera", "SELECT DISTINCT camera FROM cameras WHERE site IN ($site) ORDER BY camera"
)
GRAIN = fixed_variable("grain", "Grain", "hour", "day", "local_day")


def board(
    name: str,
    title: str,
    about: str,
    variables: Sequence[Builder[VariableModel]],
    panels: Sequence[Builder[Panel]],
    *,
    since: str = "now-7d",
) -> builders.Dashboard:
    """Return a dashboard under the stable id ``sightline-<name>``."""
    made = builders.Dashboard(title).uid(f"sightline-{name}").description(about)
    made = made.tags(["sightline"]).timezone("browser").time(since, "now").refresh("1m")
    made = made.tooltip(DashboardCursorSync.CROSSHAIR).editable()
    for variable in variables:
        made = made.with_variable(variable)
    for panel in panels:
        made = made.with_panel(panel)
    return made


def _stacked(panel: timeseries.Panel) -> timeseries.Panel:
    stacking = common.StackingConfig().mode(StackingMode.NORMAL).group("A")
    return panel.stacking(stacking).fill_opacity(40)


def _width(pixels: int) -> DynamicConfigValue:
    return DynamicConfigValue(id_val="custom.width", value=pixels)
