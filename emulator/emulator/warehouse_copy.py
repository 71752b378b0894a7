"""COPY of Parquet from S3 into the emulated warehouse; rejects what Redshift rejects.

Files are read row group by row group and fed to PostgreSQL's COPY FROM STDIN as CSV, so that memory
stays small however large a delta is.
"""

import io
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from botocore.exceptions import ClientError
from psycopg2.extensions import cursor as PgCursor

from emulator.redshift_names import NotEmulatedError, RedshiftError, dotted, quote_name
from emulator.redshift_sql import CopyParquet, split_s3_url

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_BATCH_ROWS = 8192
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class TargetColumn:
    """A column of the table that is loaded, as PostgreSQL knows it."""

    name: str
    type_name: str
    """`integer`, `varchar`, `numeric`, `jsonb` …: without its length."""
    length_bytes: int | None = None
    precision: int | None = None
    scale: int | None = None

    @property
    def redshift_type(self) -> str:
        """The type as Redshift's messages print it."""
        if self.type_name == "numeric":
            return f"DECIMAL({self.precision}, {self.scale})"
        if self.length_bytes is not None:
            return f"{self.type_name.upper()}({self.length_bytes})"
        return self.type_name.upper()


@dataclass(frozen=True)
class DataFile:
    """One object to load."""

    bucket: str
    key: str

    @property
    def url(self) -> str:
        """The object as `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


def copy_parquet(cursor: PgCursor, command: CopyParquet, s3: "S3Client") -> int:
    """Runs one COPY and returns the number of rows that were loaded.

    Raises RedshiftError with Redshift's message if a file, the manifest or a value does not fit.
    """
    columns = _target_columns(cursor, command)
    files = _manifest_files(command, s3)
    return sum(_load_file(cursor, command, columns, file, s3) for file in files)


# --- what is loaded ---------------------------------------------------------------------------


def _manifest_files(command: CopyParquet, s3: "S3Client") -> list[DataFile]:
    where = f"s3://{command.bucket}/{command.key}"
    try:
        body = s3.get_object(Bucket=command.bucket, Key=command.key)["Body"].read()
    except ClientError as error:
        raise RedshiftError(
            f"Problem reading manifest file {where} - S3ServiceException:"
            f"{error.response['Error'].get('Message')}"
        ) from error
    files = []
    for entry in _manifest_entries(body, where):
        file = _manifest_file(entry, where, s3)
        if file is not None:
            files.append(file)
    if not files:
        raise RedshiftError(f"The manifest {where} names no file that exists")
    return files


def _manifest_entries(body: bytes, where: str) -> list[dict[str, object]]:
    try:
        manifest = json.loads(body)
        entries = manifest["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise RedshiftError(f"Problem reading manifest file {where}: {error!r}") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RedshiftError(f"Problem reading manifest file {where}: entries is not a list")
    return entries


def _manifest_file(entry: dict[str, object], where: str, s3: "S3Client") -> DataFile | None:
    """The entry's object, None if it is missing and not mandatory."""
    url = entry.get("url")
    if not isinstance(url, str):
        raise RedshiftError(f"Problem reading manifest file {where}: an entry has no url: {entry}")
    meta = entry.get("meta")
    expected_bytes = meta.get("content_length") if isinstance(meta, dict) else None
    if not isinstance(expected_bytes, int):
        raise RedshiftError(
            f"Manifest file {where} lacks meta.content_length for {url}: "
            "it is required for columnar formats"
        )
    file = DataFile(*split_s3_url(url))
    try:
        actual_bytes = s3.head_object(Bucket=file.bucket, Key=file.key)["ContentLength"]
    except ClientError as error:
        if entry.get("mandatory") is not True:
            return None
        raise RedshiftError(
            f"Problem reading manifest file {where} - the mandatory file {url} does not exist"
        ) from error
    if actual_bytes != expected_bytes:
        raise RedshiftError(
            f"Spectrum Scan Error: {url} has {actual_bytes} bytes, "
            f"the manifest {where} says content_length {expected_bytes}"
        )
    return file


# --- where it goes ----------------------------------------------------------------------------

_COLUMNS = """
SELECT a.attname, t.typname, a.atttypmod
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
"""

_TYPE_NAMES = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "bpchar": "char",
}


def _target_columns(cursor: PgCursor, command: CopyParquet) -> list[TargetColumn]:
    cursor.execute(_COLUMNS, (dotted(command.table),))
    columns = [_target_column(*row) for row in cursor.fetchall()]
    if not columns:
        raise RedshiftError(f"Cannot COPY into nonexistent table {'.'.join(command.table)}")
    return columns


def _target_column(name: str, pg_type: str, modifier: int) -> TargetColumn:
    """PostgreSQL's typmod holds a length plus 4, or precision and scale packed."""
    type_name = _TYPE_NAMES.get(pg_type, pg_type)
    if type_name in ("varchar", "char"):
        return TargetColumn(name, type_name, length_bytes=modifier - 4 if modifier > 0 else None)
    if type_name == "numeric" and modifier > 0:
        packed = modifier - 4
        return TargetColumn(name, type_name, precision=packed >> 16, scale=packed & 0x7FF)
    return TargetColumn(name, type_name)


# --- does it fit ------------------------------------------------------------------------------


def _check_schema(parquet: pq.ParquetFile, columns: list[TargetColumn], file: DataFile) -> None:
    """Redshift matches by position, count and physical type; names do not count."""
    fields = list(parquet.schema_arrow)
    if len(fields) != len(columns):
        raise RedshiftError(
            "Spectrum Scan Error: Unmatched number of columns between table and file. "
            f"Table columns: {len(columns)}, Data columns: {len(fields)}, File name: {file.url}"
        )
    physical = _physical_types(parquet)
    for field, column in zip(fields, columns, strict=True):
        if column.type_name == "jsonb":
            raise NotEmulatedError(
                f'COPY into the SUPER column "{column.name}" is not emulated: stage it as VARCHAR'
            )
        if fits(field.type, physical.get(field.name, ""), column):
            continue
        raise RedshiftError(
            f"Spectrum Scan Error: File '{file.url}' has an incompatible Parquet schema for "
            f"column '{file.url}.{field.name}'. Column type: {column.redshift_type}, "
            f"Parquet schema: {'optional' if field.nullable else 'required'} "
            f"{physical.get(field.name, 'group')} {field.name} ({field.type}), "
            f"target column: {column.name}"
        )


def _physical_types(parquet: pq.ParquetFile) -> dict[str, str]:
    """The Parquet physical type of each column that is not nested."""
    schema = parquet.schema
    leaves = (schema.column(index) for index in range(len(schema)))
    return {leaf.path: leaf.physical_type for leaf in leaves}


def fits(arrow: pa.DataType, physical: str, column: TargetColumn) -> bool:
    """Whether Redshift loads this Parquet type into this column."""
    if pa.types.is_dictionary(arrow):
        arrow = arrow.value_type
    target = column.type_name
    if target == "boolean":
        return bool(pa.types.is_boolean(arrow))
    if target == "smallint":
        return arrow in (pa.int8(), pa.int16())
    if target == "integer":
        return arrow in (pa.int8(), pa.int16(), pa.int32())
    if target == "bigint":
        return bool(arrow == pa.int64())
    if target == "real":
        return bool(arrow == pa.float32())
    if target == "double precision":
        return bool(arrow == pa.float64())
    if target in ("varchar", "char"):
        return _is_text(arrow)
    if target == "numeric":
        return bool(
            pa.types.is_decimal(arrow)
            and (arrow.precision, arrow.scale) == (column.precision, column.scale)
        )
    if target == "date":
        return bool(pa.types.is_date32(arrow))
    if target == "timestamp":
        # Nanoseconds are read from INT96 only: Redshift knows no INT64 in nanoseconds.
        return bool(
            pa.types.is_timestamp(arrow) and (arrow.unit in ("ms", "us") or physical == "INT96")
        )
    return False


def _is_text(arrow: pa.DataType) -> bool:
    kinds = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_binary,
        pa.types.is_large_binary,
    )
    return any(kind(arrow) for kind in kinds)


# --- the rows ---------------------------------------------------------------------------------


def _load_file(
    cursor: PgCursor,
    command: CopyParquet,
    columns: list[TargetColumn],
    file: DataFile,
    s3: "S3Client",
) -> int:
    with tempfile.TemporaryFile() as spool:
        _download(s3, file, spool)
        try:
            parquet = pq.ParquetFile(spool)
        except pa.ArrowInvalid as error:
            raise RedshiftError(
                f"Spectrum Scan Error: {file.url} is not a valid Parquet File. {error}"
            ) from error
        with parquet:
            _check_schema(parquet, columns, file)
            listed = ", ".join(quote_name(column.name) for column in columns)
            stream = io.BufferedReader(
                _CsvStream(_csv_batches(parquet, columns, file)), _CHUNK_BYTES
            )
            cursor.copy_expert(
                f"COPY {dotted(command.table)} ({listed}) FROM STDIN WITH (FORMAT csv)", stream
            )
            return int(parquet.metadata.num_rows)


def _download(s3: "S3Client", file: DataFile, target: IO[bytes]) -> None:
    try:
        body = s3.get_object(Bucket=file.bucket, Key=file.key)["Body"]
    except ClientError as error:
        raise RedshiftError(f"Spectrum Scan Error: {file.url}: {error}") from error
    for chunk in body.iter_chunks(_CHUNK_BYTES):
        target.write(chunk)
    target.seek(0)


class _CsvStream(io.RawIOBase):
    """Bytes made only as they are read."""

    def __init__(self, batches: Iterator[bytes]) -> None:
        super().__init__()
        self._batches = batches
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        while not self._left:
            batch = next(self._batches, None)
            if batch is None:
                return 0
            self._left = memoryview(batch)
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _csv_batches(
    parquet: pq.ParquetFile, columns: list[TargetColumn], file: DataFile
) -> Iterator[bytes]:
    """Strings are always quoted and NULL never: so NULL and the empty string stay apart."""
    options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
    for batch in parquet.iter_batches(batch_size=_BATCH_ROWS):
        arrays = [
            _csv_column(array, column, file)
            for array, column in zip(batch.columns, columns, strict=True)
        ]
        table = pa.table(arrays, names=[str(index) for index in range(len(arrays))])
        sink = io.BytesIO()
        pa_csv.write_csv(table, sink, options)
        yield sink.getvalue()


def _csv_column(array: pa.Array, column: TargetColumn, file: DataFile) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if column.length_bytes is not None:
        _check_length(array, column, file)
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.timestamp("us"), safe=False)
    if pa.types.is_decimal(array.type) or _is_text(array.type):
        return array.cast(pa.string())
    return array


def _check_length(array: pa.Array, column: TargetColumn, file: DataFile) -> None:
    longest_bytes = pc.max(pc.binary_length(array)).as_py()
    if longest_bytes is not None and longest_bytes > (column.length_bytes or 0):
        raise RedshiftError(
            f"Spectrum Scan Error: String length exceeds DDL length: the length of the data column "
            f"{column.name} is longer than the length defined in the table. "
            f"Table: {column.length_bytes}, Data: {longest_bytes} (bytes), File name: {file.url}"
        )
