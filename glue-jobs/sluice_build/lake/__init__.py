"""Iceberg tables: their schema, their snapshots, merging, deletes and deltas."""
