"""The emulated Redshift Data API, on a real PostgreSQL and a moto server."""

import io
import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

import boto3
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from real_servers import moto, postgres

from emulator import warehouse

if TYPE_CHECKING:
    from types_boto3_redshift_data import RedshiftDataAPIServiceClient
    from types_boto3_redshift_data.type_defs import DescribeStatementResponseTypeDef
    from types_boto3_s3 import S3Client


class Target(TypedDict):
    """Where a statement runs."""

    WorkgroupName: str
    Database: str


TARGET: Target = {"WorkgroupName": "local", "Database": "dev"}
ROLE = "IAM_ROLE 'arn:aws:iam::123456789012:role/load'"


class Warehouse:
    """What a client of the Data API does."""

    def __init__(self, data: "RedshiftDataAPIServiceClient", s3: "S3Client", url: str) -> None:
        self.data = data
        self.s3 = s3
        self.url = url

    def wait(self, statement_id: str) -> "DescribeStatementResponseTypeDef":
        deadline = time.monotonic() + 20
        while True:
            description = self.data.describe_statement(Id=statement_id)
            if description["Status"] in ("FINISHED", "FAILED", "ABORTED"):
                return description
            assert time.monotonic() < deadline, description
            time.sleep(0.005)

    def execute(self, sql: str) -> "DescribeStatementResponseTypeDef":
        return self.wait(self.data.execute_statement(Sql=sql, **TARGET)["Id"])

    def batch(self, *sqls: str) -> "DescribeStatementResponseTypeDef":
        return self.wait(self.data.batch_execute_statement(Sqls=list(sqls), **TARGET)["Id"])

    def ok(self, *sqls: str) -> None:
        for sql in sqls:
            description = self.execute(sql)
            assert description["Status"] == "FINISHED", (sql, description.get("Error"))

    def rows(self, sql: str) -> list[list[object]]:
        description = self.execute(sql)
        assert description["Status"] == "FINISHED", description.get("Error")
        pages = self.data.get_paginator("get_statement_result").paginate(Id=description["Id"])
        return [[_plain(dict(field)) for field in row] for page in pages for row in page["Records"]]

    def error(self, sql: str) -> str:
        description = self.execute(sql)
        assert description["Status"] == "FAILED", sql
        return description["Error"]

    def put_parquet(self, key: str, table: pa.Table, **options: object) -> dict[str, object]:
        """Writes a file and returns its manifest entry."""
        sink = io.BytesIO()
        pq.write_table(table, sink, **options)
        self.s3.put_object(Bucket="lake", Key=key, Body=sink.getvalue())
        size = len(sink.getvalue())
        return {
            "url": f"s3://lake/{key}",
            "mandatory": True,
            "meta": {"content_length": size},
        }

    def copy(self, table: str, *entries: dict[str, object]) -> str:
        """Writes a manifest and returns the COPY that reads it."""
        url = self.put_manifest(f"{table}/manifest", *entries)
        return f"COPY {table} FROM '{url}' {ROLE} FORMAT AS PARQUET MANIFEST"

    def put_manifest(self, key: str, *entries: dict[str, object]) -> str:
        self.s3.put_object(Bucket="lake", Key=key, Body=json.dumps({"entries": entries}).encode())
        return f"s3://lake/{key}"


def _plain(field: dict[str, object]) -> object:
    return None if field.get("isNull") else next(iter(field.values()))


@pytest.fixture(scope="module")
def shared() -> Iterator[Warehouse]:
    with postgres() as url, moto() as port:
        warehouse.install(url, port)
        session = boto3.Session("local", "local", region_name="us-east-1")
        endpoint = f"http://127.0.0.1:{port}"
        s3 = session.client("s3", endpoint_url=endpoint)
        s3.create_bucket(Bucket="lake")
        yield Warehouse(session.client("redshift-data", endpoint_url=endpoint), s3, url)


@pytest.fixture
def dw(shared: Warehouse) -> Warehouse:
    """The warehouse with an empty schema `t`."""
    with psycopg2.connect(shared.url) as connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS t CASCADE")
    shared.ok("CREATE SCHEMA t")
    return shared


# --- statements -------------------------------------------------------------------------------


def test_typed_fields_and_metadata(dw: Warehouse) -> None:
    description = dw.execute(
        "SELECT 1::bigint AS i, 2.5::float AS f, true AS b, NULL AS n, 1.50::decimal(10,2) AS d,"
        " '2026-01-02 03:04:05'::timestamp AS ts, JSON_PARSE('{\"a\": [1]}') AS s, '' AS e"
    )
    assert description["HasResultSet"]
    assert description["ResultRows"] == 1
    assert uuid.UUID(description["Id"])
    result = dw.data.get_statement_result(Id=description["Id"])
    assert result["Records"][0] == [
        {"longValue": 1},
        {"doubleValue": 2.5},
        {"booleanValue": True},
        {"isNull": True},
        {"stringValue": "1.50"},
        {"stringValue": "2026-01-02 03:04:05"},
        {"stringValue": '{"a": [1]}'},
        {"stringValue": ""},
    ]
    names = [(column["name"], column["typeName"]) for column in result["ColumnMetadata"]]
    assert names[0] == ("i", "int8")
    assert names[6] == ("s", "super")


def test_doubles_that_json_does_not_have_are_text_as_in_the_protocol(dw: Warehouse) -> None:
    description = dw.execute(
        "SELECT 'NaN'::float8 AS a, 'Infinity'::float8 AS b, '-Infinity'::float4 AS c,"
        " 9007199254740993::bigint AS d"
    )
    response = urllib.request.urlopen(
        urllib.request.Request(
            dw.data.meta.endpoint_url,
            data=json.dumps({"Id": description["Id"]}).encode(),
            headers={
                "X-Amz-Target": "RedshiftData.GetStatementResult",
                "Content-Type": "application/x-amz-json-1.1",
                "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/"
                "redshift-data/aws4_request, SignedHeaders=host, Signature=0",
            },
        )
    )

    def reject(constant: str) -> None:
        raise AssertionError(constant)

    records = json.loads(response.read(), parse_constant=reject)["Records"]
    assert records == [
        [
            {"doubleValue": "NaN"},
            {"doubleValue": "Infinity"},
            {"doubleValue": "-Infinity"},
            {"longValue": 9007199254740993},
        ]
    ]


def test_results_come_in_pages(dw: Warehouse) -> None:
    description = dw.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
        "SELECT i FROM n ORDER BY i"
    )
    first = dw.data.get_statement_result(Id=description["Id"])
    assert len(first["Records"]) == 1000
    assert first["TotalNumRows"] == 2500
    pages = dw.data.get_paginator("get_statement_result").paginate(Id=description["Id"])
    values = [row[0]["longValue"] for page in pages for row in page["Records"]]
    assert values == list(range(1, 2501))


def test_a_client_token_runs_once(dw: Warehouse) -> None:
    dw.ok("CREATE TABLE t.once (i INT)")
    token = str(uuid.uuid4())
    ids = {
        dw.data.execute_statement(Sql="INSERT INTO t.once VALUES (1)", ClientToken=token, **TARGET)[
            "Id"
        ]
        for _ in range(3)
    }
    assert len(ids) == 1
    dw.wait(ids.pop())
    assert dw.rows("SELECT COUNT(*) FROM t.once") == [[1]]


def test_a_batch_is_one_transaction(dw: Warehouse) -> None:
    dw.ok("CREATE TABLE t.a (i INT)")
    good = dw.batch("LOCK t.a", "INSERT INTO t.a VALUES (1)", "SELECT i FROM t.a")
    assert good["Status"] == "FINISHED", good.get("Error")
    assert [part["Status"] for part in good["SubStatements"]] == ["FINISHED"] * 3
    assert good["SubStatements"][2]["Id"] == f"{good['Id']}:3"
    result = dw.data.get_statement_result(Id=f"{good['Id']}:3")
    assert result["Records"] == [[{"longValue": 1}]]
    bad = dw.batch("INSERT INTO t.a VALUES (2)", "INSERT INTO t.missing VALUES (2)", "SELECT 1")
    assert bad["Status"] == "FAILED"
    assert bad["Error"].startswith('Query #2 failed with ERROR: relation "t.missing" does not')
    assert [part["Status"] for part in bad["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert dw.rows("SELECT i FROM t.a") == [[1]]


def test_limits_of_a_request(dw: Warehouse) -> None:
    with pytest.raises(ClientError, match="41 statements"):
        dw.data.batch_execute_statement(Sqls=["SELECT 1"] * 41, **TARGET)
    with pytest.raises(ClientError, match="at most 102400"):
        dw.data.batch_execute_statement(
            Sqls=["SELECT 1", "SELECT '" + "x" * 102400 + "'"], **TARGET
        )
    with pytest.raises(ClientError, match="WorkgroupName"):
        dw.data.execute_statement(Sql="SELECT 1", Database="dev")
    with pytest.raises(ClientError, match="does not support Parameters"):
        dw.data.execute_statement(
            Sql="SELECT :a", Parameters=[{"name": "a", "value": "x"}], **TARGET
        )
    with pytest.raises(ClientError, match="Query does not exist"):
        dw.data.describe_statement(Id=str(uuid.uuid4()))
    with pytest.raises(ClientError, match="does not have result"):
        dw.data.get_statement_result(Id=dw.execute("CREATE TABLE t.x (i INT)")["Id"])


def test_cancel(dw: Warehouse) -> None:
    started = dw.data.execute_statement(Sql="SELECT PG_SLEEP(30)", **TARGET)
    assert dw.data.cancel_statement(Id=started["Id"])["Status"] is True
    assert dw.wait(started["Id"])["Status"] == "ABORTED"
    with pytest.raises(ClientError, match="already in ABORTED"):
        dw.data.cancel_statement(Id=started["Id"])


# --- rejections -------------------------------------------------------------------------------


def test_alter_type(dw: Warehouse) -> None:
    dw.ok("CREATE TABLE t.a (v VARCHAR(10), i INT)", "INSERT INTO t.a VALUES ('x', 1)")
    batch = dw.batch("ALTER TABLE t.a ALTER COLUMN v TYPE VARCHAR(20)")
    assert "ALTER TABLE ALTER COLUMN cannot run inside a transaction block" in batch["Error"]
    assert "only the size of a VARCHAR" in dw.error("ALTER TABLE t.a ALTER COLUMN i TYPE BIGINT")
    assert "only the size of a VARCHAR" in dw.error(
        "ALTER TABLE t.a ALTER COLUMN i TYPE VARCHAR(20)"
    )
    assert "below the size 10" in dw.error("ALTER TABLE t.a ALTER COLUMN v TYPE VARCHAR(5)")
    assert "should be different" in dw.error("ALTER TABLE t.a ALTER COLUMN v TYPE VARCHAR(10)")
    dw.ok("ALTER TABLE t.a ALTER COLUMN v TYPE VARCHAR(20)")
    lengths = dw.rows(
        "SELECT character_maximum_length FROM svv_columns"
        " WHERE table_schema = 't' AND column_name = 'v'"
    )
    assert lengths == [[20]]


# --- COPY -------------------------------------------------------------------------------------

ALL_TYPES = pa.schema(
    [
        ("id", pa.int64()),
        ("small", pa.int16()),
        ("whole", pa.int32()),
        ("ratio", pa.float64()),
        ("flag", pa.bool_()),
        ("name", pa.string()),
        ("price", pa.decimal128(18, 2)),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", tz="UTC")),
    ]
)
ALL_COLUMNS = (
    "id BIGINT, small SMALLINT, whole INTEGER, ratio FLOAT8, flag BOOLEAN, name VARCHAR(10),"
    " price DECIMAL(18,2), day DATE, at TIMESTAMP"
)


def test_copy_of_every_type(dw: Warehouse) -> None:
    rows = [
        {
            "id": 1,
            "small": 2,
            "whole": 3,
            "ratio": 0.1,
            "flag": True,
            "name": 'a,"b"\n',
            "price": Decimal("1.50"),
            "day": date(2026, 1, 2),
            "at": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        },
        {"id": 2, "name": ""},
        {"id": 3, "ratio": float("nan"), "name": None},
    ]
    entry = dw.put_parquet("all/1.parquet", pa.Table.from_pylist(rows, ALL_TYPES))
    manifest = dw.put_manifest("all/manifest", entry)
    dw.ok(f"CREATE TABLE t.every ({ALL_COLUMNS}) DISTKEY(id) SORTKEY(at)")
    description = dw.execute(f"COPY t.every FROM '{manifest}' {ROLE} FORMAT AS PARQUET MANIFEST")
    assert description["Status"] == "FINISHED", description.get("Error")
    assert description["ResultRows"] == 3
    loaded = dw.rows("SELECT * FROM t.every ORDER BY id")
    assert loaded[0] == [
        *(1, 2, 3, 0.1, True, 'a,"b"\n', "1.50", "2026-01-02", "2026-01-02 03:04:05.678901"),
    ]
    assert loaded[1][5:] == ["", None, None, None]
    assert loaded[2][5] is None


REJECTIONS = [
    ("i INT", pa.table({"a": pa.array([1], pa.int64())}), "", "incompatible Parquet schema"),
    ("i BIGINT", pa.table({"a": pa.array([1], pa.int32())}), "", "incompatible Parquet schema"),
    ("f REAL", pa.table({"a": pa.array([1.0], pa.float64())}), "", "incompatible Parquet schema"),
    ("v VARCHAR(5)", pa.table({"a": [1]}), "", "incompatible Parquet schema for column"),
    (
        "d DECIMAL(18,2)",
        pa.table({"a": pa.array([Decimal("1.000")], pa.decimal128(18, 3))}),
        "",
        "DECIMAL(18, 2)",
    ),
    ("t TIMESTAMP", pa.table({"a": pa.array([1], pa.timestamp("ns"))}), "", "Column type: TIMESTA"),
    ("s SUPER", pa.table({"a": [{"x": 1}]}), "", "not emulated: stage it as VARCHAR"),
    ("v VARCHAR(9)", pa.table({"a": [{"x": 1}]}), "", "incompatible Parquet"),
    ("a BIGINT, b BIGINT", pa.table({"a": [1]}), "", "Table columns: 2, Data columns: 1"),
    ("a BIGINT", pa.table({"a": [1], "b": [1]}), "", "Table columns: 1, Data columns: 2"),
    ("v VARCHAR(4)", pa.table({"a": ["äöü"]}), "", "String length exceeds DDL length"),
    ("v VARCHAR(4)", pa.table({"a": ["ä"]}), "MAXERROR 5", "MAXERROR argument is not supported"),
    ("v VARCHAR(4) NOT NULL", pa.table({"a": pa.array([None], pa.string())}), "", "null value"),
]


@pytest.mark.parametrize(("columns", "table", "options", "message"), REJECTIONS)
def test_copy_rejects(
    dw: Warehouse, columns: str, table: pa.Table, options: str, message: str
) -> None:
    manifest = dw.put_manifest("bad/manifest", dw.put_parquet("bad/1.parquet", table))
    dw.ok(f"CREATE TABLE t.narrow ({columns})")
    error = dw.error(f"COPY t.narrow FROM '{manifest}' {ROLE} FORMAT PARQUET MANIFEST {options}")
    assert message in error
    assert dw.rows("SELECT COUNT(*) FROM t.narrow") == [[0]]


def test_copy_matches_by_position(dw: Warehouse) -> None:
    entry = dw.put_parquet("pos/1.parquet", pa.table({"b": ["x"], "a": [1]}))
    dw.ok("CREATE TABLE t.pos (a VARCHAR(5), b BIGINT)", dw.copy("t.pos", entry))
    assert dw.rows("SELECT a, b FROM t.pos") == [["x", 1]]


def test_int96_timestamps_load(dw: Warehouse) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6)
    table = pa.table({"a": pa.array([moment], pa.timestamp("us"))})
    entry = dw.put_parquet("int96/1.parquet", table, use_deprecated_int96_timestamps=True)
    dw.ok("CREATE TABLE t.old (a TIMESTAMP)", dw.copy("t.old", entry))
    assert dw.rows("SELECT a FROM t.old") == [["2026-01-02 03:04:05.000006"]]


def test_manifest_semantics(dw: Warehouse) -> None:
    dw.ok("CREATE TABLE t.m (a BIGINT)")
    entry = dw.put_parquet("m/1.parquet", pa.table({"a": [1]}))
    gone = {**entry, "url": "s3://lake/m/gone.parquet"}
    copy = f"COPY t.m FROM 's3://lake/m/manifest' {ROLE} FORMAT PARQUET MANIFEST"
    dw.put_manifest("m/manifest", entry, gone)
    assert "mandatory file s3://lake/m/gone.parquet does not exist" in dw.error(copy)
    dw.put_manifest("m/manifest", entry, {**gone, "mandatory": False})
    dw.ok(copy)
    dw.put_manifest("m/manifest", {"url": entry["url"], "mandatory": True})
    assert "lacks meta.content_length" in dw.error(copy)
    dw.put_manifest("m/manifest", {**entry, "meta": {"content_length": 1}})
    assert "content_length 1" in dw.error(copy)
    assert "Problem reading manifest file" in dw.error(copy.replace("m/manifest", "m/none"))
    assert dw.rows("SELECT COUNT(*) FROM t.m") == [[1]]


def test_a_load_as_one_batch(dw: Warehouse) -> None:
    """Lock, stage, delete, insert, audit: all or nothing."""
    dw.ok(
        "CREATE TABLE t.target (id BIGINT, v VARCHAR(20), payload SUPER)",
        "CREATE TABLE t.audit (snapshot BIGINT)",
        "INSERT INTO t.target VALUES (1, 'old', NULL), (2, 'kept', NULL)",
    )
    table = pa.table({"id": [1, 3], "v": ["new", "added"], "payload": ['{"k": 1}', None]})
    manifest = dw.put_manifest("load/manifest", dw.put_parquet("load/1.parquet", table))
    statements = [
        "LOCK t.target",
        "CREATE TEMP TABLE staging (id BIGINT, v VARCHAR(65535), payload VARCHAR(65535))",
        f"COPY staging FROM '{manifest}' {ROLE} FORMAT AS PARQUET MANIFEST",
        "DELETE FROM t.target USING staging WHERE t.target.id = staging.id",
        "INSERT INTO t.target (id, v, payload)"
        " SELECT CAST(id AS BIGINT), CAST(v AS VARCHAR(20)), JSON_PARSE(payload) FROM staging",
        "INSERT INTO t.audit VALUES (10)",
    ]
    assert dw.batch(*statements, "SELECT 1 / 0")["Status"] == "FAILED"
    assert dw.rows("SELECT COUNT(*) FROM t.audit") == [[0]]
    done = dw.batch(*statements)
    assert done["Status"] == "FINISHED", done.get("Error")
    assert [part["ResultRows"] for part in done["SubStatements"][2:]] == [2, 1, 2, 1]
    assert dw.rows("SELECT id, v, payload.k FROM t.target ORDER BY id") == [
        [1, "new", "1"],
        [2, "kept", None],
        [3, "added", None],
    ]


def test_many_rows_stream(dw: Warehouse) -> None:
    count = 200_000
    table = pa.table({"id": pa.array(range(count), pa.int64()), "v": ["value"] * count})
    entry = dw.put_parquet("big/1.parquet", table, row_group_size=20_000)
    dw.ok("CREATE TABLE t.big (id BIGINT, v VARCHAR(10))", dw.copy("t.big", entry))
    assert dw.rows("SELECT COUNT(*), COUNT(DISTINCT id), MAX(v) FROM t.big") == [
        [count, count, "value"]
    ]
