"""In how many minutes a camera was online, and in how many anything was heard of it."""

from __future__ import annotations

from datetime import timedelta

from consumers.etl.rollups.rollup import SqlRollup

# Of an hour in which a local day begins or ends only some minutes are meant.
_FIRST = "greatest(0, extract(epoch FROM scope.starts_at - hour_at)::integer / 60)"
_END = "least(60, extract(epoch FROM scope.ends_at - hour_at)::integer / 60)"


def _minutes(bits: str) -> str:
    return f"bit_count(substring({bits} FROM {_FIRST} + 1 FOR {_END} - {_FIRST}))"


# A minute in which a camera was also said to be otherwise is none of those online.
UPTIME = SqlRollup(
    table="rollup_uptime",
    at="hour_at",
    keys=("camera",),
    values=("minutes", "seen_minutes", "online_minutes"),
    fresh=f"""
    SELECT site, bucket_at, ends_at, camera,
        extract(epoch FROM ends_at - bucket_at)::bigint / 60 AS minutes,
        sum(seen)::bigint AS seen_minutes, sum(online)::bigint AS online_minutes
    FROM (
        SELECT {{bucket}}, camera, {_minutes("online | other")}, {_minutes("online & ~ other")}
        FROM scope JOIN health_minutes ON health_minutes.site = scope.site
            AND hour_at > scope.starts_at - interval '1 hour' AND hour_at < scope.ends_at
    ) AS hours (site, bucket_at, ends_at, camera, seen, online)
    GROUP BY site, bucket_at, ends_at, camera HAVING sum(seen) > 0
""",
    reach=timedelta(hours=1),
)
