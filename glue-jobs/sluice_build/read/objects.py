"""Reads the objects that manifests list, as typed rows, and puts what does not fit in quarantine.

Each task fetches whole objects, checks their ETag and the number of their lines, and writes an
object's rejected lines to one file whose key and bytes depend on the object only: a task that
runs twice writes the same file again.
"""

import gzip
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as t
from pyspark.sql.pandas.types import to_arrow_schema

from sluice_build.contract.column_types import spark_type
from sluice_build.contract.errors import TableFailed
from sluice_build.read.lines import LineReader, Rejected
from sluice_build.read.manifests import ObjectRecord
from sluice_build.stores.catalog import TableDefinition
from sluice_build.stores.storage import gzip_lines, read_exactly, s3_client

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

VERSION_TYPE = t.StructType([t.StructField(part, t.LongType()) for part in ("c", "s", "t")])

_BATCH_ROWS = 4096
_TASK_BYTES = 4 * 1024 * 1024
_TASK_OBJECTS = 200


def staged_schema(definition: TableDefinition, keys_only: bool) -> t.StructType:
    """What reading gives: the declared columns (or the key's), and where each row came from.

    `_op` is "upsert" (a row), "key", "rejected" (a line, with its key if it had one) or "object"
    (one line of counts for each object).
    """
    columns = [
        t.StructField(column.name, spark_type(column.type))
        for column in definition.columns
        if not keys_only or column.name in definition.key
    ]
    return t.StructType(
        [
            *columns,
            t.StructField("_op", t.StringType()),
            t.StructField("_version", VERSION_TYPE),
            t.StructField("_observed_at", t.TimestampType()),
            t.StructField("_tombstone", t.BooleanType()),
            t.StructField("_object", t.IntegerType()),
            t.StructField("_line", t.LongType()),
            t.StructField("_rejected", t.LongType()),
        ]
    )


def read_objects(
    spark: SparkSession,
    bucket: str,
    definition: TableDefinition,
    objects: Sequence[ObjectRecord],
    keys_only: bool = False,
) -> DataFrame:
    """The lines of objects as rows; `_object` is the index in `objects`.

    With `keys_only` every line with a readable key gives that key, nothing goes to quarantine.
    """
    schema = staged_schema(definition, keys_only)
    if not objects:
        return spark.createDataFrame([], schema)
    tasks = packed([item.bytes for item in objects])
    reader = _ObjectReader(bucket, definition, tuple(objects), tasks, keys_only)
    return spark.range(0, len(tasks), 1, len(tasks)).mapInArrow(reader, schema)


def packed(sizes: Sequence[int]) -> list[list[int]]:
    """Indices of objects in groups of some megabytes, in order: one group a task."""
    groups: list[list[int]] = []
    filled = 0
    for index, size in enumerate(sizes):
        full = groups and (filled + size > _TASK_BYTES or len(groups[-1]) >= _TASK_OBJECTS)
        if not groups or full:
            groups.append([])
            filled = 0
        groups[-1].append(index)
        filled += size
    return groups


def quarantine_key(table: str, item: ObjectRecord) -> str:
    """Where the rejected lines of an object are: named by the manifest and the object."""
    name = item.key.removeprefix(f"raw/{table}/").removesuffix(".ndjson.gz").replace("/", "_")
    return f"quarantine/{table}/{item.manifest:010d}/{name}.json.gz"


@dataclass(frozen=True)
class _ObjectReader:
    """What one task does; it travels to the worker, where the clients are made."""

    bucket: str
    definition: TableDefinition
    objects: tuple[ObjectRecord, ...]
    tasks: list[list[int]]
    keys_only: bool

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        client = s3_client()
        schema = to_arrow_schema(staged_schema(self.definition, self.keys_only))
        lines = LineReader(self.definition)
        for batch in batches:
            for task in batch.column(0).to_pylist():
                for index in self.tasks[task]:
                    yield from self._read(client, schema, lines, index)

    def _read(
        self, client: "S3Client", schema: pa.Schema, lines: LineReader, index: int
    ) -> Iterator[pa.RecordBatch]:
        item = self.objects[index]
        rows = _Rows(schema)
        rejected: list[str] = []
        count = 0
        for count, line in enumerate(self._lines(client, item), 1):
            row = lines.read(line)
            if isinstance(row, Rejected):
                if not self.keys_only:
                    rejected.append(_quarantined(item, row, line))
                rows.add(
                    row.key or {},
                    _op="rejected",
                    _observed_at=_micros(row.observed_at_millis),
                    _object=index,
                    _line=count,
                )
            else:
                version = row.version
                rows.add(
                    row.values,
                    _op=row.op,
                    _version=version and {"c": version[0], "s": version[1], "t": version[2]},
                    _observed_at=row.observed_at_millis * 1000,
                    _tombstone=row.deleted,
                    _object=index,
                    _line=count,
                )
            if len(rows) >= _BATCH_ROWS:
                yield rows.batch()
        if count != item.rows:
            raise TableFailed(
                f"s3://{self.bucket}/{item.key} has {count} lines, its manifest {item.manifest} "
                f"says {item.rows}: restore the recorded object"
            )
        if rejected:
            client.put_object(
                Bucket=self.bucket,
                Key=quarantine_key(self.definition.name, item),
                Body=gzip_lines(rejected),
            )
        rows.add({}, _op="object", _object=index, _line=count, _rejected=len(rejected))
        yield rows.batch()

    def _lines(self, client: "S3Client", item: ObjectRecord) -> Iterator[bytes]:
        body = read_exactly(client, self.bucket, item.key, item.etag)
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
                for line in stream:
                    yield line.removesuffix(b"\n")
        except (OSError, EOFError) as error:
            raise TableFailed(
                f"s3://{self.bucket}/{item.key} is not a whole gzip: {error}"
            ) from None


def _micros(millis: int | None) -> int | None:
    return None if millis is None else millis * 1000


def _quarantined(item: ObjectRecord, row: Rejected, line: bytes) -> str:
    return json.dumps(
        {
            "object": item.key,
            "reason": row.reason,
            "column": row.column,
            "line": line.decode(errors="replace"),
        },
        ensure_ascii=True,
    )


class _Rows:
    """Rows on their way into an Arrow batch."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._names: list[str] = schema.names
        self._columns: list[list[Any]] = [[] for _ in self._names]

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(self, values: dict[str, Any], **about: Any) -> None:  # noqa: ANN401
        for name, column in zip(self._names, self._columns, strict=True):
            column.append(values[name] if name in values else about.get(name))

    def batch(self) -> pa.RecordBatch:
        arrays = [
            pa.array(column, field.type)
            for column, field in zip(self._columns, self._schema, strict=True)
        ]
        self._columns = [[] for _ in self._names]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)
