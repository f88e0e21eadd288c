"""What sensors counted, and how long visits were."""

from __future__ import annotations

from consumers.etl.rollups.rollup import CELL_OF, SqlRollup, histogram

_TOTAL_MS = "round(dwell_total_s * 1000)::bigint"
_LONGEST_MS = "round(dwell_max_s * 1000)::bigint"

# Of a minute the number of visits, their longest and their total are known: that is exact for up to
# two visits, and beyond that the others count at their mean.
COUNTS = SqlRollup(
    table="rollup_counts",
    at="minute_at",
    keys=("camera", "sensor"),
    values=(
        *("forward", "backward", "entries", "exits", "minutes", "occupancy_max", "occupancy_sum"),
        *("dwell_total_s", "dwell_max_s", "dwell"),
    ),
    fresh=f"""
    SELECT {{bucket}}, camera, sensor,
        sum(forward)::bigint AS forward, sum(backward)::bigint AS backward,
        sum(entries)::bigint AS entries, sum(exits)::bigint AS exits, count(*) AS minutes,
        max(occupancy_max) AS occupancy_max, sum(occupancy_max)::bigint AS occupancy_sum,
        sum({_TOTAL_MS})::float8 / 1000 AS dwell_total_s, max(dwell_max_s) AS dwell_max_s,
        {histogram(("longest", "1"), ("others", "exits - 1"))} AS dwell
    FROM scope JOIN counts ON counts.site = scope.site AND {{within}}
        CROSS JOIN LATERAL (SELECT
            CASE WHEN exits > 0 THEN {CELL_OF.format("dwell_max_s")} END,
            CASE WHEN exits > 1 THEN
                {CELL_OF.format(f"({_TOTAL_MS} - {_LONGEST_MS}) / (exits - 1) / 1000::float8")}
            END
        ) AS visits (longest, others)
    GROUP BY 1, 2, 3, camera, sensor
""",
)
