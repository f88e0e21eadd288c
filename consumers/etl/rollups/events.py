"""Events by rule, severity and verdict, and the candidates that became none."""

from __future__ import annotations

from consumers.etl.rollups.rollup import SqlRollup

_LASTED_MS = "(extract(epoch FROM closed_at - opened_at) * 1000)::bigint"

EVENTS = SqlRollup(
    table="rollup_events",
    at="opened_at",
    keys=("camera", "rule", "severity", "verdict", "mode"),
    values=(
        *("events", "closed", "triggers", "lasted_total_s", "lasted_max_s"),
        *("called_true", "called_false"),
    ),
    fresh=f"""
    SELECT {{bucket}}, camera, rule, severity, verdict, mode,
        count(*) AS events, count(closed_at) AS closed, sum(triggers)::bigint AS triggers,
        coalesce(sum({_LASTED_MS}), 0)::float8 / 1000 AS lasted_total_s,
        coalesce(max({_LASTED_MS}), 0)::float8 / 1000 AS lasted_max_s,
        count(*) FILTER (WHERE label = 'true') AS called_true,
        count(*) FILTER (WHERE label IN ('false', 'ignore_here')) AS called_false
    FROM scope JOIN events ON events.site = scope.site AND {{within}}
    GROUP BY 1, 2, 3, camera, rule, severity, verdict, mode
""",
    grains=("minute", "hour", "day", "local_day"),
)

# An operator's word changes the site's verdict, and stands among its reasons.
_DISMISSED = """coalesce(reasons_json @> '[{{"check": "operator"}}]', false)"""

CANDIDATES = SqlRollup(
    table="rollup_candidates",
    at="matched_at",
    keys=("camera", "rule"),
    values=("candidates", "accepted", "suppressed", "dismissed", "cooling", "shadow"),
    fresh=f"""
    SELECT {{bucket}}, camera, rule, count(*) AS candidates,
        count(*) FILTER (WHERE verdict = 'accepted') AS accepted,
        count(*) FILTER (WHERE verdict = 'suppressed' AND NOT {_DISMISSED}) AS suppressed,
        count(*) FILTER (WHERE verdict = 'suppressed' AND {_DISMISSED}) AS dismissed,
        count(*) FILTER (WHERE verdict = 'cooling') AS cooling,
        count(*) FILTER (WHERE verdict = 'shadow') AS shadow
    FROM scope JOIN verdicts ON verdicts.site = scope.site AND {{within}}
    GROUP BY 1, 2, 3, camera, rule
""",
    grains=("minute", "hour", "day", "local_day"),
)
