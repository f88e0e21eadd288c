"""Rollups for analytics, and Parquet in object storage."""
