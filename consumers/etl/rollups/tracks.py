"""Objects that came into view, by class, and how long each stayed."""

from __future__ import annotations

from consumers.etl.rollups.rollup import CELL_OF, SqlRollup, histogram

_MS = "(extract(epoch FROM ended_at - started_at) * 1000)::bigint"

TRACKS = SqlRollup(
    table="rollup_tracks",
    at="started_at",
    keys=("camera", "class_name"),
    values=("tracks", "in_view_total_s", "in_view_max_s", "in_view"),
    fresh=f"""
    SELECT {{bucket}}, camera, class_name, count(*) AS tracks,
        sum({_MS})::float8 / 1000 AS in_view_total_s, max({_MS})::float8 / 1000 AS in_view_max_s,
        {histogram(("cell", "1"))} AS in_view
    FROM scope JOIN tracks ON tracks.site = scope.site AND {{within}}
        CROSS JOIN LATERAL (SELECT {CELL_OF.format(f"{_MS} / 1000::float8")}) AS stay (cell)
    GROUP BY 1, 2, 3, camera, class_name
""",
)
