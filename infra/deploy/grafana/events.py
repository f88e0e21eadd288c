"""Events by rule, severity, camera, verdict."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from infra.deploy.grafana.panels import (
    ORGANISATION,
    SITE,
    bars,
    board,
    fixed_variable,
    number,
    rows,
    series,
)

_WHERE = "grain = '$grain' AND $__timeFilter(bucket_at) AND site IN ($site)"


def _over_time(column: str) -> str:
    return (
        f"SELECT bucket_at AS time, {column} AS metric, sum(events) AS value FROM rollup_events "
        f"WHERE {_WHERE} GROUP BY 1, 2 ORDER BY 1"
    )


def build() -> Dashboard:
    """Return the dashboard."""
    return board(
        "events",
        "Sightline: events",
        "Events by rule, severity, camera and verdict, from the rollups.",
        (
            ORGANISATION,
            SITE,
            fixed_variable("grain", "Grain", "hour", "minute", "day", "local_day"),
        ),
        (
            number("Events", f"SELECT sum(events) AS events FROM rollup_events WHERE {_WHERE}"),
            number(
                "Alerts",
                f"SELECT sum(events) AS events FROM rollup_events "
                f"WHERE severity = 'alert' AND {_WHERE}",
            ),
            number(
                "Mean length",
                "SELECT sum(lasted_total_s) / nullif(sum(closed), 0) AS lasted FROM rollup_events "
                f"WHERE {_WHERE}",
                unit="s",
            ),
            number(
                "Called false",
                f"SELECT sum(called_false) AS events FROM rollup_events WHERE {_WHERE}",
            ),
            number(
                "New, nobody has looked",
                "SELECT count(*) AS events FROM events WHERE handling = 'new' AND mode = 'live' "
                "AND $__timeFilter(opened_at) AND site IN ($site)",
                width=8,
            ),
            series("By severity", _over_time("severity"), stacked=True),
            series("By rule", _over_time("rule"), stacked=True),
            series("By verdict", _over_time("verdict"), stacked=True),
            bars(
                "Cameras with the most events",
                f"""SELECT site || '/' || camera AS camera, sum(events) AS events
                FROM rollup_events WHERE {_WHERE} GROUP BY 1 ORDER BY 2 DESC LIMIT 20""",
            ),
            rows(
                "Rules",
                f"""SELECT site, rule, severity, sum(events) AS events, sum(triggers) AS triggers,
                    sum(lasted_total_s) / nullif(sum(closed), 0) AS mean_s,
                    max(lasted_max_s) AS longest_s, sum(called_true) AS called_true,
                    sum(called_false) AS called_false
                FROM rollup_events WHERE {_WHERE} GROUP BY 1, 2, 3 ORDER BY 4 DESC""",
            ),
            rows(
                "Latest",
                """SELECT opened_at, site, camera, rule, severity, state, class_name, score, handling
                FROM events WHERE $__timeFilter(opened_at) AND site IN ($site)
                ORDER BY opened_at DESC LIMIT 100""",
            ),
        ),
    )
