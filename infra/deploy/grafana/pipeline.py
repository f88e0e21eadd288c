"""How the pipeline runs: lag, delay, drops, refusals, at sites and in the cloud."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from infra.deploy.grafana.panels import board, measured


def _rate(metric: str, *by: str) -> str:
    return f"sum by ({', '.join(by)}) (rate({metric}[$__rate_interval]))"


def _quantile(share: float, metric: str, *by: str) -> str:
    return f"histogram_quantile({share:g}, {_rate(f'{metric}_bucket', *by, 'le')})"


def build() -> Dashboard:
    """Return the dashboard."""
    return board(
        "pipeline",
        "Sightline: pipeline",
        "Lag, delay, drops and refusals of every process that Prometheus scrapes.",
        (),
        (
            measured("Records waiting", ("sum by (topic) (sightline_lag_records)", "{{topic}}")),
            measured(
                "Delay since capture",
                (_quantile(0.99, "sightline_delay_seconds", "step"), "{{step}} p99"),
                (_quantile(0.5, "sightline_delay_seconds", "step"), "{{step}} p50"),
                unit="s",
            ),
            measured("Records read", (_rate("sightline_records_in_total", "topic"), "{{topic}}")),
            measured(
                "Records written", (_rate("sightline_records_out_total", "topic"), "{{topic}}")
            ),
            measured(
                "Dropped on purpose",
                (_rate("sightline_dropped_total", "what", "reason"), "{{what}}: {{reason}}"),
            ),
            measured(
                "Dead letters",
                (_rate("sightline_dead_letters_total", "topic", "reason"), "{{topic}}: {{reason}}"),
            ),
            measured(
                "Looks at frames",
                (_rate("sightline_frames_total", "model", "outcome"), "{{model}} {{outcome}}"),
                ("sum(sightline_looks_per_second)", "possible"),
            ),
            measured(
                "Model servers",
                ("sum by (server) (sightline_server_outstanding)", "{{server}} asked"),
                ("max by (server) (sightline_server_circuit_open)", "{{server}} left alone"),
                ("max(sightline_overloaded)", "overloaded"),
            ),
            measured(
                "Rollups: marks waiting",
                ("max by (turn) (sightline_rollup_marks)", "{{turn}}"),
            ),
            measured(
                "Rollups: oldest mark",
                ("max by (turn) (sightline_rollup_behind_seconds)", "{{turn}}"),
                unit="s",
            ),
            measured(
                "Rollups: a turn",
                (
                    _quantile(0.99, "sightline_rollup_turn_seconds", "subject", "turn"),
                    "{{subject}} {{turn}} p99",
                ),
                unit="s",
            ),
            measured(
                "Rollups: rows and objects",
                (_rate("sightline_rollup_rows_total", "table"), "{{table}}"),
                (_rate("sightline_parquet_objects_total", "what"), "objects {{what}}"),
                (_rate("sightline_rollup_skipped_total", "table"), "{{table}} left as it is"),
            ),
            measured(
                "API",
                (_quantile(0.99, "sightline_http_seconds", "route"), "{{route}} p99"),
                unit="s",
            ),
            measured(
                "Realtime",
                (_quantile(0.99, "sightline_realtime_delay_seconds"), "delay p99"),
                ("sum(sightline_realtime_clients)", "clients"),
                ("sum(rate(sightline_realtime_dropped_total[$__rate_interval]))", "dropped"),
            ),
            measured(
                "Notifications",
                (_rate("sightline_notify_sent_total", "kind"), "{{kind}} sent"),
                (_rate("sightline_notify_failed_total", "kind", "outcome"), "{{kind}} {{outcome}}"),
                ("sum(sightline_notify_waiting)", "waiting"),
            ),
            measured(
                "Free disk",
                ("min by (instance) (sightline_disk_free_ratio)", "{{instance}}"),
                unit="percentunit",
            ),
        ),
        since="now-6h",
    )
