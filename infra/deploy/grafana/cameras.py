"""Which cameras are online, since when, and how much of the time."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from infra.deploy.grafana.panels import (
    CAMERA,
    GRAIN,
    ORGANISATION,
    SITE,
    bars,
    board,
    number,
    rows,
    series,
)

_WHERE = "grain = '$grain' AND $__timeFilter(bucket_at) AND site IN ($site) AND camera IN ($camera)"
_CAMERA = "site || '/' || camera"


def build() -> Dashboard:
    """Return the dashboard."""
    return board(
        "cameras",
        "Sightline: camera health",
        "Uptime by minutes: online of those in which a camera was heard, and of all.",
        (ORGANISATION, SITE, CAMERA, GRAIN),
        (
            number(
                "Online, of the minutes heard",
                "SELECT sum(online_minutes)::float8 / nullif(sum(seen_minutes), 0) AS online "
                f"FROM rollup_uptime WHERE {_WHERE}",
                unit="percentunit",
                width=6,
            ),
            number(
                "Online, of all minutes",
                "SELECT sum(online_minutes)::float8 / nullif(sum(minutes), 0) AS online "
                f"FROM rollup_uptime WHERE {_WHERE}",
                unit="percentunit",
                width=6,
            ),
            number(
                "Changes of state",
                "SELECT count(*) AS changes FROM health_changes WHERE kind = 'camera' "
                "AND $__timeFilter(at) AND site IN ($site) AND name IN ($camera)",
                width=6,
            ),
            number(
                "Frames a second, all cameras",
                "SELECT sum(frames_per_s) AS frames FROM health WHERE kind = 'camera' "
                "AND site IN ($site) AND name IN ($camera)",
                width=6,
            ),
            series(
                "Uptime",
                f"""SELECT bucket_at AS time, {_CAMERA} AS metric,
                    sum(online_minutes)::float8 / nullif(sum(seen_minutes), 0) AS value
                FROM rollup_uptime WHERE {_WHERE} GROUP BY 1, 2 ORDER BY 1""",
                unit="percentunit",
            ),
            bars(
                "Least online",
                f"""SELECT {_CAMERA} AS camera,
                    sum(online_minutes)::float8 / nullif(sum(seen_minutes), 0) AS online
                FROM rollup_uptime WHERE {_WHERE} GROUP BY 1 ORDER BY 2 LIMIT 20""",
                unit="percentunit",
            ),
            rows(
                "Now",
                """SELECT site, name AS camera, state, reason, at AS said_at, frames_per_s, frames,
                    dropped
                FROM health WHERE kind = 'camera' AND site IN ($site) AND name IN ($camera)
                ORDER BY (state = 'online'), site, name""",
            ),
            rows(
                "Last changes",
                """SELECT at, site, name AS camera, state, reason FROM health_changes
                WHERE kind = 'camera' AND $__timeFilter(at) AND site IN ($site)
                    AND name IN ($camera) ORDER BY at DESC LIMIT 200""",
            ),
            rows(
                "Processes",
                """SELECT site, name AS process, state, reason, at AS said_at FROM health
                WHERE kind = 'process' AND site IN ($site) ORDER BY (state = 'online'), site, name""",
                width=24,
            ),
        ),
    )
