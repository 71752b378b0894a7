"""Runs Redshift statements in one PostgreSQL session, as one Data API call does."""

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import errors, extensions

from emulator.redshift_names import RedshiftError, dotted, quote_name
from emulator.redshift_sql import CopyParquet, Statement, WidenVarchar, translate
from emulator.warehouse_copy import copy_parquet

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FUNCTIONS_SQL = Path(__file__).with_name("warehouse_functions.sql")
SEARCH_PATH = '"$user", public, redshift_emulation'
_INSTALL_LOCK = 7_046_029_254_386_353_131
"""An advisory lock's key: two processes must not install the functions at once."""

Field = dict[str, object]


@dataclass(frozen=True)
class Column:
    """A column of a result set."""

    name: str
    type_name: str


@dataclass(frozen=True)
class Outcome:
    """What one statement did. `columns` is None if it has no result set; rows -1 if none count."""

    row_count: int
    columns: list[Column] | None = None
    rows: Sequence[list[Field]] = ()


_NOT_IN_JSON = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""Doubles that AWS's JSON protocol writes as text."""

# PostgreSQL's type numbers: Redshift's name of the type, and how the Data API shows its values.
_BOOL, _INT8, _INT2, _INT4, _OID, _FLOAT4, _FLOAT8, _BYTEA = 16, 20, 21, 23, 26, 700, 701, 17
_TYPE_NAMES = {
    _BOOL: "bool",
    _INT8: "int8",
    _INT2: "int2",
    _INT4: "int4",
    _OID: "oid",
    _FLOAT4: "float4",
    _FLOAT8: "float8",
    _BYTEA: "varbyte",
    19: "name",
    1042: "bpchar",
    1082: "date",
    1083: "time",
    1114: "timestamp",
    1184: "timestamptz",
    1266: "timetz",
    1700: "numeric",
    3802: "super",
}
# Types whose text PostgreSQL writes as Redshift does, so no Python value stands in between.
_AS_TEXT = extensions.new_type(
    (114, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 3802), "AS_TEXT", lambda value, _: value
)


def connect(postgres_url: str) -> extensions.connection:
    """A new session, set up as every session of the emulated warehouse is."""
    connection = psycopg2.connect(
        postgres_url, options=f"-c search_path={SEARCH_PATH.replace(' ', '')} -c TimeZone=UTC"
    )
    extensions.register_type(_AS_TEXT, connection)
    return connection


def install_functions(postgres_url: str) -> None:
    """Creates Redshift's functions and catalog views in the database; does no harm twice."""
    connection = connect(postgres_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_INSTALL_LOCK,))
            cursor.execute(FUNCTIONS_SQL.read_text(encoding="utf-8"))
            cursor.execute(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path TO "
                + SEARCH_PATH
                + "', current_database()); END $$"
            )
    finally:
        connection.close()


class Session:
    """One connection that runs one statement, or one batch in one transaction."""

    def __init__(self, connection: extensions.connection, s3: Callable[[], "S3Client"]) -> None:
        self._connection = connection
        self._s3 = s3

    def run(self, sql: str, *, in_transaction: bool) -> Outcome:
        """Runs one Redshift statement; the caller commits.

        Raises RedshiftError with the message that Redshift would show.
        """
        try:
            with self._connection.cursor() as cursor:
                return self._execute(cursor, translate(sql, in_transaction=in_transaction))
        except errors.SerializationFailure as error:
            raise RedshiftError(f"1023 DETAIL: Serializable isolation violation: {error}") from (
                error
            )
        except psycopg2.Error as error:
            raise RedshiftError(_message(error)) from error

    def _execute(self, cursor: extensions.cursor, statement: Statement) -> Outcome:
        if isinstance(statement, CopyParquet):
            return Outcome(copy_parquet(cursor, statement, self._s3()))
        if isinstance(statement, WidenVarchar):
            _widen(cursor, statement)
            return Outcome(-1)
        cursor.execute(statement.text)
        return _outcome(cursor)


def _message(error: psycopg2.Error) -> str:
    primary = error.diag.message_primary or str(error).strip()
    detail = error.diag.message_detail
    return f"{primary}\n  Detail: {detail}" if detail else primary


def _widen(cursor: extensions.cursor, change: WidenVarchar) -> None:
    cursor.execute(
        "SELECT t.typname, a.atttypmod - 4 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
        " WHERE a.attrelid = to_regclass(%s) AND a.attname = %s AND NOT a.attisdropped",
        (dotted(change.table), change.column),
    )
    row = cursor.fetchone()
    table = change.table[-1]
    if row is None:
        raise RedshiftError(f'column "{change.column}" of relation "{table}" does not exist')
    if row[0] != "varchar":
        raise RedshiftError(
            f'cannot alter column "{change.column}" of relation "{table}": '
            "only the size of a VARCHAR column can be changed"
        )
    if change.length_bytes == row[1]:
        raise RedshiftError(
            f'cannot alter column "{change.column}" of relation "{table}", '
            "target column size should be different"
        )
    if change.length_bytes < row[1]:
        raise RedshiftError(
            f'cannot alter column "{change.column}" of relation "{table}", '
            f"target column size {change.length_bytes} is below the size {row[1]}"
        )
    cursor.execute(
        f"ALTER TABLE {dotted(change.table)} ALTER COLUMN {quote_name(change.column)}"
        f" TYPE VARCHAR({change.length_bytes})"
    )


def _outcome(cursor: extensions.cursor) -> Outcome:
    if cursor.description is None:
        return Outcome(cursor.rowcount)
    types = [item.type_code for item in cursor.description]
    columns = [
        Column(item.name, _TYPE_NAMES.get(item.type_code, "varchar")) for item in cursor.description
    ]
    rows = [
        [_field(value, type_code) for value, type_code in zip(row, types, strict=True)]
        for row in cursor.fetchall()
    ]
    return Outcome(len(rows), columns, rows)


def _field(value: object, type_code: int) -> Field:
    if value is None:
        return {"isNull": True}
    if type_code == _BOOL:
        return {"booleanValue": value}
    if type_code in (_INT8, _INT2, _INT4, _OID):
        return {"longValue": value}
    if isinstance(value, float):
        return {"doubleValue": value if math.isfinite(value) else _NOT_IN_JSON[str(value)]}
    if isinstance(value, memoryview):
        return {"blobValue": base64.b64encode(value.tobytes()).decode("ascii")}
    return {"stringValue": str(value)}
