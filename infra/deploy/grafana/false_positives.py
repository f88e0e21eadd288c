"""What the filter held back, what operators took back, and why."""

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
_RATE = "sum(suppressed + dismissed)::float8 / nullif(sum(candidates), 0)"


def build() -> Dashboard:
    """Return the dashboard."""
    return board(
        "false-positives",
        "Sightline: false positives",
        "Candidates that the filter suppressed or an operator dismissed, of all candidates.",
        (
            ORGANISATION,
            SITE,
            fixed_variable("grain", "Grain", "hour", "minute", "day", "local_day"),
        ),
        (
            number(
                "False-positive rate",
                f"SELECT {_RATE} AS rate FROM rollup_candidates WHERE {_WHERE}",
                unit="percentunit",
                width=6,
            ),
            number(
                "Candidates",
                f"SELECT sum(candidates) AS candidates FROM rollup_candidates WHERE {_WHERE}",
                width=6,
            ),
            number(
                "Suppressed by the filter",
                f"SELECT sum(suppressed) AS candidates FROM rollup_candidates WHERE {_WHERE}",
                width=6,
            ),
            number(
                "Dismissed by operators",
                f"SELECT sum(dismissed) AS candidates FROM rollup_candidates WHERE {_WHERE}",
                width=6,
            ),
            series(
                "Rate by rule",
                f"""SELECT bucket_at AS time, site || '/' || rule AS metric, {_RATE} AS value
                FROM rollup_candidates WHERE {_WHERE} GROUP BY 1, 2 ORDER BY 1""",
                unit="percentunit",
            ),
            series(
                "What became of candidates",
                f"""SELECT bucket_at AS time, verdict AS metric, sum(number) AS value
                FROM rollup_candidates, LATERAL (VALUES ('accepted', accepted),
                    ('suppressed', suppressed), ('dismissed', dismissed), ('cooling', cooling),
                    ('shadow', shadow)) AS part (verdict, number)
                WHERE {_WHERE} GROUP BY 1, 2 ORDER BY 1""",
                stacked=True,
            ),
            bars(
                "Cameras that operators dismiss most",
                f"""SELECT site || '/' || camera AS camera, sum(dismissed) AS dismissed,
                    sum(accepted) AS accepted
                FROM rollup_candidates WHERE {_WHERE} GROUP BY 1 ORDER BY 2 DESC LIMIT 20""",
            ),
            bars(
                "Checks that spoke against suppressed candidates",
                """SELECT reason ->> 'check' AS "check", count(*) AS candidates
                FROM verdicts, jsonb_array_elements(CASE WHEN jsonb_typeof(reasons_json) = 'array'
                    THEN reasons_json ELSE '[]' END) AS reason
                WHERE verdict = 'suppressed' AND reason ->> 'for' = 'false'
                    AND $__timeFilter(matched_at) AND site IN ($site)
                GROUP BY 1 ORDER BY 2 DESC""",
            ),
            rows(
                "Rules",
                f"""SELECT site, rule, sum(candidates) AS candidates, sum(accepted) AS accepted,
                    sum(suppressed) AS suppressed, sum(dismissed) AS dismissed, {_RATE} AS rate
                FROM rollup_candidates WHERE {_WHERE} GROUP BY 1, 2 ORDER BY rate DESC""",
            ),
            rows(
                "Lately dismissed",
                """SELECT matched_at, site, camera, rule, class_name, score, event_id
                FROM verdicts WHERE verdict = 'suppressed'
                    AND reasons_json @> '[{"check": "operator"}]'
                    AND $__timeFilter(matched_at) AND site IN ($site)
                ORDER BY matched_at DESC LIMIT 100""",
            ),
        ),
    )
