"""Rollups in Postgres and Parquet in object storage, made of the stored tables: docs/adr/0020."""
