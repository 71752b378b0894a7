"""The build: manifests in, Iceberg tables, models and deltas out."""
