"""Sites, cameras, what they run."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from infra.deploy.grafana.panels import ORGANISATION, SITE, board, measured, number, rows, series

_CAMERAS = "SELECT count(*) AS cameras FROM health WHERE kind = 'camera' AND site IN ($site)"


def build() -> Dashboard:
    """Return the dashboard."""
    return board(
        "fleet",
        "Sightline: fleet",
        "Every site with its cameras, when it was last heard, and what it runs.",
        (ORGANISATION, SITE),
        (
            number("Sites", "SELECT count(*) AS sites FROM sites WHERE site IN ($site)"),
            number("Cameras", _CAMERAS),
            number("Online", f"{_CAMERAS} AND state = 'online'"),
            number("Not online", f"{_CAMERAS} AND state NOT IN ('online', 'ended')"),
            number(
                "Open events",
                "SELECT count(*) AS events FROM events WHERE state <> 'closed' "
                "AND $__timeFilter(opened_at) AND site IN ($site)",
            ),
            number(
                "Configurations refused",
                "SELECT count(*) AS refused FROM receipts WHERE status = 'refused' "
                "AND kind = 'config' AND site IN ($site)",
            ),
            rows(
                "All sites",
                """SELECT organisations.slug AS organisation, sites.site, sites.timezone,
                    count(*) FILTER (WHERE health.kind = 'camera') AS cameras,
                    count(*) FILTER (WHERE health.kind = 'camera' AND health.state = 'online')
                        AS online,
                    max(health.at) AS last_heard
                FROM sites JOIN organisations USING (organisation_id) LEFT JOIN health USING (site)
                WHERE sites.site IN ($site) GROUP BY 1, 2, 3 ORDER BY last_heard NULLS FIRST""",
                width=24,
            ),
            measured(
                "Cameras by state",
                ("sum by (state) (max by (site, state) (sightline_cameras))", "{{state}}"),
            ),
            measured(
                "Silence of sites",
                ("topk(10, max by (site) (sightline_site_silent_seconds))", "{{site}}"),
                unit="s",
            ),
            series(
                "Events by site",
                """SELECT bucket_at AS time, site AS metric, sum(events) AS value
                FROM rollup_events WHERE grain = 'hour' AND $__timeFilter(bucket_at)
                    AND site IN ($site) GROUP BY 1, 2 ORDER BY 1""",
                stacked=True,
            ),
            rows(
                "What sites run",
                """SELECT site, kind, document, status, config_version AS version, at, errors
                FROM receipts WHERE site IN ($site) ORDER BY status DESC, site, document""",
            ),
        ),
    )
