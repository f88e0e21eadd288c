"""Who came and went, how many were inside, how long they stayed, and where."""

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
    picture,
    rows,
    series,
)

_WHERE = "grain = '$grain' AND $__timeFilter(bucket_at) AND site IN ($site) AND camera IN ($camera)"
_SENSOR = "site || '/' || camera || '/' || sensor"
# The cells of a histogram lie between the bounds; the last has no upper one.
_CELLS = (
    "CASE WHEN cell = 1 THEN '< ' || bounds[1] || ' s' "
    "WHEN cell > array_length(bounds, 1) THEN '≥ ' || bounds[cell - 1] || ' s' "
    "ELSE bounds[cell - 1] || '-' || bounds[cell] || ' s' END"
)
_COLUMNS = ", ".join(
    f"coalesce(sum(spent_s) FILTER (WHERE (cell - 1) % 32 = {number}), 0) AS c{number}"
    for number in range(32)
)


def _histogram(table: str, column: str) -> str:
    return f"""SELECT {_CELLS} AS stay, sum(number) AS visits
        FROM {table}, unnest({column}) WITH ORDINALITY AS part (number, cell),
            sightline_dwell_bounds() AS bounds
        WHERE {_WHERE} GROUP BY cell, bounds ORDER BY cell"""


def _over_time(column: str, value: str) -> str:
    return (
        f"SELECT bucket_at AS time, {column} AS metric, {value} AS value FROM rollup_counts "
        f"WHERE {_WHERE} GROUP BY 1, 2 ORDER BY 1"
    )


def build() -> Dashboard:
    """Return the dashboard."""
    return board(
        "counting",
        "Sightline: people counting",
        "In and out by sensor, occupancy, dwell, and where time was spent.",
        (ORGANISATION, SITE, CAMERA, GRAIN),
        (
            number(
                "In (forward and entered)",
                f"SELECT sum(forward + entries) AS came FROM rollup_counts WHERE {_WHERE}",
            ),
            number(
                "Out (backward and left)",
                f"SELECT sum(backward + exits) AS went FROM rollup_counts WHERE {_WHERE}",
            ),
            number(
                "Most inside at once",
                f"SELECT max(occupancy_max) AS inside FROM rollup_counts WHERE {_WHERE}",
            ),
            number(
                "Mean dwell",
                "SELECT sum(dwell_total_s) / nullif(sum(exits), 0) AS dwell FROM rollup_counts "
                f"WHERE {_WHERE}",
                unit="s",
            ),
            number(
                "Last hour, by minute",
                "SELECT sum(forward + entries) AS came FROM minute_counts "
                "WHERE bucket_at > now() - interval '1 hour' AND site IN ($site) "
                "AND camera IN ($camera)",
                width=8,
            ),
            series("In", _over_time(_SENSOR, "sum(forward + entries)")),
            series("Out", _over_time(_SENSOR, "sum(backward + exits)")),
            series("Occupancy, highest", _over_time(_SENSOR, "max(occupancy_max)")),
            series(
                "Occupancy, mean of the busy minutes",
                _over_time(_SENSOR, "sum(occupancy_sum)::float8 / sum(minutes)"),
            ),
            bars("How long visits to zones were", _histogram("rollup_counts", "dwell")),
            bars("How long objects were in view", _histogram("rollup_tracks", "in_view")),
            series(
                "Objects by class",
                f"""SELECT bucket_at AS time, class_name AS metric, sum(tracks) AS value
                FROM rollup_tracks WHERE {_WHERE} GROUP BY 1, 2 ORDER BY 1""",
                stacked=True,
            ),
            rows(
                "Sensors",
                f"""SELECT site, camera, sensor, sum(forward) AS forward,
                    sum(backward) AS backward, sum(entries) AS entered, sum(exits) AS "left",
                    max(occupancy_max) AS most_inside, max(dwell_max_s) AS longest_s
                FROM rollup_counts WHERE {_WHERE} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
            ),
            picture(
                "Where time was spent (one camera at a time; seconds)",
                f"""SELECT {_COLUMNS} FROM (
                    SELECT cell, sum(spent) / 1000 AS spent_s
                    FROM rollup_heat, unnest(cells) WITH ORDINALITY AS part (spent, cell)
                    WHERE {_WHERE} GROUP BY cell
                ) AS map GROUP BY (cell - 1) / 32 ORDER BY (cell - 1) / 32""",
            ),
        ),
    )
