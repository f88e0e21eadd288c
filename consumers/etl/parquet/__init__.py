"""Parquet in object storage, for data teams: docs/analytics.md describes it."""
