"""The delta: what a build changed in a table, in the physical form that COPY takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice_build.contract import keys
from sluice_build.contract.column_types import Json, Scalar, is_nested, redshift_type
from sluice_build.lake.iceberg import quoted
from sluice_build.stores.catalog import Column, Entry
from sluice_build.stores.storage import Bucket

_JSON_OPTIONS = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'",
    "dateFormat": "yyyy-MM-dd",
}


@dataclass(frozen=True)
class DeltaFile:
    """One Parquet file of a delta."""

    url: str
    content_length: int
    rows: int


@dataclass(frozen=True)
class Delta:
    """A delta to write; `snapshot` and `parent` are content ids."""

    kind: Literal["merge", "replace"]
    snapshot: str
    parent: str | None
    deletes: int


def write_delta(
    bucket: Bucket, run: str, entry: Entry, delta: Delta, rows: DataFrame, folder: str
) -> int:
    """Write a delta's Parquet into `folder`, then the delta; gives its number of rows.

    `rows` are live rows for a replace, and rows with `_tombstone` for a merge.
    """
    columns = [_physical(column) for column in entry.columns]
    if delta.kind == "merge":
        columns.append(F.col("_tombstone").alias("_deleted"))
    rows.select(*columns).write.mode("overwrite").parquet(bucket.uri(folder))
    files = parquet_files(rows, bucket.uri(folder))
    document = delta_document(run, entry, delta, files, datetime.now(UTC))
    bucket.put_json(keys.delta(entry.name, delta.snapshot), document)
    return sum(file.rows for file in files)


def delta_document(
    run: str, entry: Entry, delta: Delta, files: Sequence[DeltaFile], now: datetime
) -> dict[str, Json]:
    """The delta as the contract has it (`contract/delta.ts`); `files` hold all its rows."""
    return {
        "format": 1,
        "table": entry.name,
        "kind": delta.kind,
        "snapshot": delta.snapshot,
        "parent": delta.parent,
        "createdAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "run": run,
        "key": list(entry.key),
        "columns": [_described(column) for column in entry.columns],
        "files": [
            {"url": file.url, "contentLength": file.content_length, "rows": file.rows}
            for file in files
        ],
        "rows": sum(file.rows for file in files) - delta.deletes,
        "deletes": delta.deletes,
    }


def parquet_files(rows: DataFrame, uri: str) -> list[DeltaFile]:
    """The Parquet files below a folder that have rows, read back from the files themselves."""
    counted = (
        rows.sparkSession.read.parquet(uri)
        .select("_metadata.file_path", "_metadata.file_size")
        .groupBy("file_path", "file_size")
        .count()
        .orderBy("file_path")
        .collect()
    )
    return [DeltaFile(str(path), int(size), int(count)) for path, size, count in counted]


def _physical(column: Column) -> SparkColumn:
    value = F.col(quoted(column.name))
    if is_nested(column.type):
        value = F.to_json(value, _JSON_OPTIONS)
    elif column.type == Scalar("binary"):
        value = F.lower(F.hex(value))
    return value.alias(column.name)


def _described(column: Column) -> Json:
    return {
        "name": column.name,
        "type": column.declared,
        "redshift": redshift_type(column.type),
    }
