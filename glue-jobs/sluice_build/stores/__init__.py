"""The Data Catalog, the ledger and the bucket: reading and writing, without decisions."""
