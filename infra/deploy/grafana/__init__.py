"""Grafana's dashboards as code; ``python -m infra.deploy.grafana`` writes them as JSON.

Grafana reads Postgres as the role ``sightline_analyst`` (docs/analytics.md). The SDK comes with the
development environment; Grafana itself needs only ``dashboards`` and ``provisioning``.
"""
