"""Redshift SQL as PostgreSQL: by tables of statements, and by running what comes out."""

from collections.abc import Iterator

import psycopg2
import pytest
from emulator.redshift_names import NotEmulatedError, RedshiftError
from emulator.redshift_sql import CopyParquet, PostgresSql, WidenVarchar, translate
from emulator.warehouse_session import Session, connect, install_functions
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as PgConnection
from real_servers import postgres

# --- pure -------------------------------------------------------------------------------------

DEFINITIONS = [
    (
        'CREATE TABLE IF NOT EXISTS lake.T (id BIGINT NOT NULL ENCODE az64, "When" TIMESTAMP,'
        " v VARCHAR(MAX) ENCODE zstd, w VARCHAR, x TEXT, p SUPER, d DECIMAL, c CHAR(3),"
        " f DOUBLE PRECISION, g FLOAT, h REAL, i INT2, tz TIMESTAMP WITH TIME ZONE,"
        " n NUMERIC(18, 2) NOT NULL, b VARBYTE(10), k CHARACTER VARYING(7), string INT,"
        " bp BPCHAR, cm CHAR(MAX))"
        ' DISTSTYLE KEY DISTKEY ("ID") COMPOUND SORTKEY (id, "When") BACKUP NO',
        'CREATE TABLE IF NOT EXISTS lake.t (id BIGINT NOT NULL, "when" TIMESTAMP,'
        " v VARCHAR(65535), w VARCHAR(256), x VARCHAR(256), p JSONB, d DECIMAL(18, 0),"
        " c CHAR(3), f DOUBLE PRECISION, g DOUBLE PRECISION, h REAL, i SMALLINT,"
        " tz TIMESTAMPTZ, n DECIMAL(18, 2) NOT NULL, b BYTEA, k VARCHAR(7), string INT,"
        " bp CHAR(256), cm CHAR(4096))",
    ),
    ("CREATE TABLE a (k INT) DISTSTYLE ALL", "CREATE TABLE a (k INT)"),
    ("CREATE TABLE a (k INT) DISTSTYLE EVEN SORTKEY (k)", "CREATE TABLE a (k INT)"),
    ("CREATE TEMP TABLE s (i INT)", "CREATE TEMPORARY TABLE s (i INT)"),
    (
        'CREATE VIEW mart."V" AS SELECT "A" FROM lake.v',
        'CREATE VIEW mart."v" AS SELECT "a" FROM lake.v',
    ),
    (
        "ALTER TABLE a ADD COLUMN c VARCHAR(9) ENCODE lzo",
        "ALTER TABLE a ADD COLUMN c VARCHAR(9)",
    ),
    ('LOCK a, lake."T-1"', 'LOCK TABLE "a","lake"."t-1" IN ACCESS EXCLUSIVE MODE'),
    ("LOCK TABLE a;", 'LOCK TABLE "a" IN ACCESS EXCLUSIVE MODE'),
    ('LOCK "a""b"', 'LOCK TABLE "a""b" IN ACCESS EXCLUSIVE MODE'),
    ('CREATE SCHEMA IF NOT EXISTS "Lake"', 'CREATE SCHEMA IF NOT EXISTS "lake"'),
    ("CREATE ROLE r", 'CREATE ROLE "r"'),
    ("GRANT USAGE ON SCHEMA s TO ROLE r, ROLE q", "GRANT USAGE ON SCHEMA s TO r, q"),
    ('GRANT SELECT ON mart.v TO ROLE "r"', 'GRANT SELECT ON mart.v TO "r"'),
    (r"COMMENT ON VIEW m.a IS 'it''s \\ here'", r"COMMENT ON VIEW m.a IS 'it''s \ here'"),
    ("COMMENT ON COLUMN m.a.\"K\" IS 'x'", "COMMENT ON COLUMN m.a.\"k\" IS 'x'"),
    ("-- why\nDROP TABLE IF EXISTS /* no */ A", "DROP TABLE IF EXISTS a"),
    ("DROP VIEW IF EXISTS m.a; -- end", "DROP VIEW IF EXISTS m.a"),
]


@pytest.mark.parametrize(("redshift", "expected"), DEFINITIONS)
def test_definitions(redshift: str, expected: str) -> None:
    assert translate(redshift) == PostgresSql(expected)


def test_statements_of_their_own_kind() -> None:
    assert translate("ALTER TABLE L.T ALTER COLUMN c TYPE VARCHAR(MAX)") == WidenVarchar(
        ("l", "t"), "c", 65535
    )
    assert translate(
        "COPY s.T FROM 's3://bucket/a/manifest' IAM_ROLE default FORMAT AS PARQUET MANIFEST"
    ) == CopyParquet(("s", "t"), "bucket", "a/manifest")


REJECTED = [
    ("SELECT 1; SELECT 2", "multiple commands"),
    (" ; ", "is empty"),
    ("SELEC 1", "syntax error"),
    ("SELECT 'open", "syntax error"),
    ("CREATE TABLE a (j JSONB)", 'Column "j" has unsupported type "jsonb"'),
    ("CREATE TABLE a (u UUID)", "unsupported type"),
    ("CREATE TABLE a (t TIMESTAMP(3))", 'unsupported type "timestamp(3)"'),
    ("SELECT a::JSONB FROM t", 'type "jsonb" does not exist'),
    ("SELECT CAST(a AS UUID) FROM t", 'type "uuid" does not exist'),
    ("SELECT a::STRING FROM t", "STRING"),
    ("CREATE TABLE a (s STRING)", 'near "STRING"'),
    ("CREATE TABLE a (d DOUBLE)", 'near "DOUBLE"'),
    ("CREATE TABLE a (v VARCHAR(65536))", "between 1 and 65535"),
    ("CREATE TABLE a (c CHAR(4097))", "between 1 and 4096"),
    ("CREATE TABLE a (d DECIMAL(39, 2))", "out of range"),
    ("CREATE TABLE a (d DECIMAL(3, 4))", "out of range"),
    ("CREATE TABLE a", "a table needs columns"),
    ("ALTER TABLE a ADD COLUMN b INT NOT NULL", "non-null default"),
    ("ALTER TABLE a ALTER COLUMN b TYPE BIGINT", "only the size of a VARCHAR"),
    ("COPY t FROM 's3://b/k' FORMAT PARQUET", "IAM_ROLE"),
    ("COPY t FROM 's3://b/k' IAM_ROLE default PARQUET GZIP", "GZIP argument is not supported"),
    ("COPY t FROM 'file://b/k' IAM_ROLE default PARQUET MANIFEST", "not an S3 path"),
    ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", "one WHEN NOT MATCHED"),
    (
        "MERGE INTO t AS x USING s ON x.a = s.a WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES (s.a)",
        "no alias in MERGE",
    ),
    (
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED AND t.a = 1 THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES (s.a)",
        "takes no condition",
    ),
    ("LOCK a b", 'near "b"'),
    ("LOCK a,", "end of input"),
    ("LOCK 'a'", 'near "a"'),
    ("CREATE ROLE r EXTERNALID x", 'near "EXTERNALID"'),
]
"""What Redshift rejects too."""


@pytest.mark.parametrize(("redshift", "message"), REJECTED)
def test_rejections(redshift: str, message: str) -> None:
    with pytest.raises(RedshiftError) as rejected:
        translate(redshift)
    assert message in str(rejected.value)
    assert not isinstance(rejected.value, NotEmulatedError)


NOT_EMULATED = [
    ("CREATE TABLE a (i INT IDENTITY(0, 1))", "IDENTITY(0, 1)"),
    ("CREATE TABLE a (i INT DEFAULT 5)", "DEFAULT 5"),
    ("CREATE TABLE a (i INT PRIMARY KEY)", "PRIMARY KEY"),
    ("CREATE TABLE a (i INT, UNIQUE (i))", "UNIQUE"),
    ("CREATE TABLE a (LIKE b)", "LIKE b"),
    ("CREATE TABLE a (v VARCHAR(9) COLLATE CASE_INSENSITIVE)", "COLLATE CASE_INSENSITIVE"),
    ("CREATE TABLE a (k INT) INTERLEAVED SORTKEY (k)", "INTERLEAVED"),
    ("CREATE TABLE a AS SELECT 1 AS k", "SELECT 1 AS k"),
    ("CREATE OR REPLACE VIEW v AS SELECT 1 FROM t", "REPLACE"),
    ("CREATE VIEW v AS SELECT 1 FROM t WITH NO SCHEMA BINDING", "NO SCHEMA BINDING"),
    ("CREATE MATERIALIZED VIEW v AS SELECT 1", "MATERIALIZED"),
    ("CREATE SCHEMA s QUOTA 5 GB", "QUOTA 5 GB"),
    ("CREATE EXTERNAL SCHEMA s FROM DATA CATALOG", "CATALOG"),
    ("CREATE USER u PASSWORD DISABLE", "CREATE USER"),
    ("ALTER TABLE a DROP COLUMN v", "DROP COLUMN"),
    ("ALTER TABLE a ADD COLUMN IF NOT EXISTS b INT", "EXISTS"),
    ("ALTER TABLE a ADD COLUMN b INT, ADD COLUMN c INT", "ADD COLUMN c"),
    ("ALTER TABLE a RENAME TO b", "RENAME TO b"),
    ("ALTER TABLE a APPEND FROM b", "APPEND"),
    ("ALTER TABLE a ALTER SORTKEY (b)", "SORTKEY"),
    ("DROP MATERIALIZED VIEW v", "MATERIALIZED"),
    ("DROP SCHEMA s", "DROP SCHEMA"),
    ("GRANT ROLE r TO u", "GRANT ROLE"),
    ("GRANT USAGE ON SCHEMA s TO GROUP g", "GROUP"),
    ("GRANT CREATE ON DATABASE dev TO ROLE r", "DATABASE"),
    ("GRANT SELECT ON t TO ROLE r WITH GRANT OPTION", "GRANT OPTION"),
    ("GRANT SELECT FOR TABLES IN SCHEMA mart TO ROLE r", "FOR TABLES"),
    ("REVOKE SELECT ON t FROM ROLE r", "REVOKE"),
    ("COPY t FROM 's3://b/k' IAM_ROLE default CSV", "PARQUET only"),
    ("COPY t FROM 's3://b/k' IAM_ROLE default PARQUET", "without MANIFEST"),
    ("COPY t (a) FROM 's3://b/k' IAM_ROLE default PARQUET MANIFEST", "list of columns"),
    ("COPY t FROM 's3://b/k' IAM_ROLE default PARQUET MANIFEST FILLRECORD", "FILLRECORD"),
    ("UNLOAD ('SELECT 1') TO 's3://b/k' IAM_ROLE default", "UNLOAD"),
    *((sql, sql) for sql in ("TRUNCATE a", "VACUUM a", "ANALYZE a", "SET x TO 'y'", "SHOW x")),
    *((sql, sql) for sql in ("BEGIN", "END", "COMMIT", "ROLLBACK", "CALL p()", "EXPLAIN SELECT 1")),
    # What sqlglot would leave out of the PostgreSQL text with only a warning.
    ("SELECT a FROM t PIVOT (SUM(x) FOR y IN ('a', 'b'))", "PIVOT"),
    ("SELECT 1 FROM a, b WHERE a.x = b.x (+)", "(+)"),
    ("SELECT LAG(x) IGNORE NULLS OVER (ORDER BY y) FROM t", "IGNORE NULLS"),
    ("SELECT REGEXP_REPLACE(a, 'x', 'y', 2) FROM t", "REGEXP_REPLACE with a position"),
]


@pytest.mark.parametrize(("redshift", "named"), NOT_EMULATED)
def test_what_is_not_emulated_is_an_error_that_names_it(redshift: str, named: str) -> None:
    with pytest.raises(NotEmulatedError) as rejected:
        translate(redshift)
    assert named in str(rejected.value)


def test_rejected_inside_a_transaction() -> None:
    sql = "ALTER TABLE a ALTER COLUMN b TYPE VARCHAR(9)"
    with pytest.raises(RedshiftError, match="cannot run inside a transaction block") as rejected:
        translate(sql, in_transaction=True)
    assert not isinstance(rejected.value, NotEmulatedError)


# --- executed ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def connection() -> Iterator[PgConnection]:
    with postgres() as url:
        install_functions(url)
        install_functions(url)
        connection = connect(url)
        connection.autocommit = True
        run(connection, "CREATE SCHEMA dw")
        run(
            connection,
            "CREATE TABLE dw.f (id INT NOT NULL, ts TIMESTAMP, amount DECIMAL(18,2),"
            " note VARCHAR(MAX), payload SUPER) DISTSTYLE KEY DISTKEY (id) SORTKEY (ts)",
        )
        run(
            connection,
            "INSERT INTO dw.f VALUES"
            " (1, '2026-01-31 23:59:59', 10.5, 'x', JSON_PARSE('{\"a\":{\"b\":[5,\"t\"]}}')),"
            " (2, '2026-02-01 00:00:01', 7, 'y', JSON_PARSE('{\"a\":{\"b\":[]},\"l\":[1,2]}')),"
            " (2, '2026-02-01 00:00:02', 8, NULL, NULL)",
        )
        yield connection
        connection.close()


def run(connection: PgConnection, sql: str) -> list[list[object]]:
    outcome = Session(connection, lambda: pytest.fail("no S3 here")).run(sql, in_transaction=False)
    return [
        [None if "isNull" in field else next(iter(field.values())) for field in row]
        for row in outcome.rows
    ]


LATE, EARLY = "'2026-01-01 00:00:01'::timestamp", "'2025-12-31 23:59:59'::timestamp"
EXPRESSIONS: list[tuple[str, object]] = [
    # Boundaries that lie between, not the two seconds that have passed.
    *(
        (f"DATEDIFF({unit}, {EARLY}, {LATE})", expected)
        for unit, expected in [
            *[("year", 1), ("qtr", 1), ("month", 1), ("day", 1), ("hour", 1), ("minute", 1)],
            *[("second", 2), ("week", 0), ("milliseconds", 2000)],
        ]
    ),
    ("DATEDIFF(week, '2026-01-03'::date, '2026-01-04'::date)", 1),
    (f"DATEDIFF('day', {LATE}, {EARLY})", -1),
    ("DATEADD(month, 1, '2026-01-31'::date)", "2026-02-28 00:00:00"),
    ("DATEADD(quarter, -1, '2026-01-31'::date)::date", "2025-10-31"),
    ("DATEADD(microsecond, 1, '2026-01-01'::timestamp)", "2026-01-01 00:00:00.000001"),
    ("ADD_MONTHS('2026-01-15'::date, 2)", "2026-03-15 00:00:00"),
    ("TRUNC('2026-01-31 10:00:00'::timestamp)", "2026-01-31"),
    ("TRUNC(7.9)", "7"),
    ("DATE_TRUNC('week', '2026-01-04'::date)::date", "2025-12-29"),
    ("DATEDIFF(second, GETDATE(), SYSDATE) BETWEEN -2 AND 2", True),
    ("LAST_DAY('2026-02-10'::date)", "2026-02-28"),
    ("TO_CHAR('2026-01-31'::date, 'YYYY-MM')", "2026-01"),
    ("EXTRACT(epoch FROM '1970-01-02'::timestamp)::int", 86400),
    (
        "CONVERT_TIMEZONE('UTC', 'Europe/Berlin', '2026-01-01 00:00'::timestamp)",
        "2026-01-01 01:00:00",
    ),
    ("NVL(NULL, 3)", 3),
    ("NVL2(NULL, 1, 2)", 2),
    ("DECODE(2, 1, 'a', 2, 'b', 'c')", "b"),
    ("LEN('äb')", 2),
    ("CHARINDEX('b', 'abc')", 2),
    ("SPLIT_PART('a,b', ',', 2)", "b"),
    ("MD5('x')", "9dd4e461268c8034f5c8564e155c67a6"),
    ("SHA2('x', 256)", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
    ("REGEXP_SUBSTR('ab12', '[0-9]+')", "12"),
    ("REGEXP_COUNT('a1b2', '[0-9]')", 2),
    ("JSON_EXTRACT_PATH_TEXT('{\"a\":{\"b\":\"c\"}}', 'a', 'b')", "c"),
    ("JSON_SERIALIZE(JSON_PARSE('[1]'))", "[1]"),
    ("IS_VALID_JSON('{')", False),
    ("JSON_TYPEOF(JSON_PARSE('[]'))", "array"),
    (r"'tab\there' = 'tab' || CHR(9) || 'here'", True),
    (r"LEN('back\\slash')", 10),
    ("CAST('x' AS VARCHAR(MAX))", "x"),
    ("1::decimal(5,2)", "1.00"),
    ("1.2::decimal", "1"),
    ("1.2::decimal(4,1)", "1.2"),
    ("REGEXP_REPLACE('a1b22', '[0-9]+', '-')", "a-b-"),
    ("REGEXP_REPLACE('a1b22', '[0-9]+')", "ab"),
    ("CONCAT('a', NULL)", None),
    ("CONCAT('a', 'b') = 'ab'", True),
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_expressions(connection: PgConnection, expression: str, expected: object) -> None:
    assert run(connection, f"SELECT {expression}") == [[expected]]


QUERIES: list[tuple[str, list[list[object]]]] = [
    (
        "SELECT LISTAGG(note, ',') WITHIN GROUP (ORDER BY id DESC),"
        " LISTAGG(DISTINCT note, '|') WITHIN GROUP (ORDER BY note), LISTAGG('z') FROM dw.f"
        " WHERE note IS NOT NULL",
        [["y,x", "x|y", "zz"]],
    ),
    ("SELECT APPROXIMATE COUNT(DISTINCT id), ANY_VALUE(1) FROM dw.f", [[2, 1]]),
    (
        "SELECT id, amount FROM dw.f QUALIFY"
        " ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) = 1 ORDER BY id",
        [[1, "10.50"], [2, "8.00"]],
    ),
    ('SELECT TOP 1 ID FROM DW.F ORDER BY "ID" DESC', [[2]]),
    (
        "SELECT payload.a.b[0]::int + 1, f.payload.a.b[1]::varchar FROM dw.f WHERE id = 1",
        [[6, "t"]],
    ),
    ("SELECT payload.a.b FROM dw.f WHERE payload.a.b[1] = 't'", [['[5, "t"]']]),
    ("SELECT id FROM dw.f AS q WHERE q.payload.a.b[0] > 4", [[1]]),
    ("SELECT item::int FROM dw.f AS q, q.payload.l AS item WHERE id = 2 ORDER BY 1", [[1], [2]]),
    ("SELECT id FROM dw.f MINUS SELECT 1", [[2]]),
    (
        "WITH x AS (SELECT id, COUNT(*) AS n FROM dw.f GROUP BY 1) SELECT x.n FROM x"
        " WHERE x.id = 2",
        [[2]],
    ),
    (
        "SELECT column_name, data_type FROM svv_columns WHERE table_schema = 'dw'"
        " AND table_name = 'f' AND column_name IN ('payload', 'note') ORDER BY 1",
        [["note", "character varying"], ["payload", "super"]],
    ),
    (
        "SELECT FORMAT_TYPE(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'dw.f'::regclass AND attnum IN (3, 5) ORDER BY attnum",
        [["numeric(18,2)"], ["super"]],
    ),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_queries(connection: PgConnection, query: str, expected: list[list[object]]) -> None:
    assert run(connection, query) == expected


def test_data_changes(connection: PgConnection) -> None:
    for sql in (
        "CREATE TABLE dw.target (k INT, v VARCHAR(10))",
        "CREATE TEMP TABLE stage (k INT, v VARCHAR(10))",
        "INSERT INTO dw.target VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "INSERT INTO stage VALUES (2, 'B'), (4, 'D')",
        "MERGE INTO dw.target USING stage s ON dw.target.k = s.k"
        " WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v)",
        "DELETE FROM dw.target USING stage WHERE dw.target.k = stage.k AND stage.k = 4",
        "UPDATE dw.target SET v = NVL(s.v, 'none') || '!' FROM stage s WHERE dw.target.k = s.k",
        "COMMENT ON COLUMN dw.target.\"K\" IS 'the key'",
    ):
        run(connection, sql)
    assert run(connection, "SELECT k, v FROM dw.target ORDER BY k") == [
        [1, "a"],
        [2, "B!"],
        [3, "c"],
    ]


LITERALS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"))


@settings(deadline=None)
@given(LITERALS)
def test_a_text_comes_through_as_it_is(connection: PgConnection, value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    assert run(connection, f"SELECT '{escaped}' AS v") == [[value]]
    run(connection, f"COMMENT ON TABLE dw.f IS '{escaped}'")
    described = "SELECT OBJ_DESCRIPTION('dw.f'::regclass)"
    assert run(connection, described) == [[value or None]]


def test_the_average_of_integers_is_whole(connection: PgConnection) -> None:
    run(connection, "CREATE TABLE dw.avg (s SMALLINT, i INT, b BIGINT, d DECIMAL(9,2), f FLOAT8)")
    assert run(connection, "SELECT AVG(i) FROM dw.avg") == [[None]]
    run(connection, "INSERT INTO dw.avg VALUES (1, -1, 1, 1, 1), (2, -2, 2, 2, 2), (NULL, NULL,"
        " 9223372036854775807, NULL, NULL)")  # fmt: skip
    assert run(connection, "SELECT AVG(s), AVG(i), AVG(b), AVG(d) = 1.5, AVG(f) FROM dw.avg") == [
        [1, -1, 3074457345618258603, True, 1.5]
    ]
    assert run(connection, "SELECT AVG(DISTINCT i) + 1 FROM dw.avg") == [[0]]
    assert run(connection, "SELECT AVG(i) OVER () FROM dw.avg LIMIT 1") == [[-1]]


def test_columns_are_named_after_their_functions(connection: PgConnection) -> None:
    outcome = Session(connection, lambda: pytest.fail("no S3 here")).run(
        "SELECT AVG(id), AVG(id) OVER (), JSON_SERIALIZE(payload), COUNT(*) AS n FROM dw.f"
        " GROUP BY id, payload",
        in_transaction=False,
    )
    names = [column.name for column in outcome.columns or []]
    assert names == ["avg", "avg", "json_serialize", "n"]


def test_the_database_errors_come_through(connection: PgConnection) -> None:
    with pytest.raises(RedshiftError, match=r'relation "dw\.missing" does not exist'):
        run(connection, "SELECT 1 FROM dw.missing")
    with pytest.raises(RedshiftError, match="value too long"):
        run(connection, "INSERT INTO dw.target VALUES (9, 'longer than ten')")
    with psycopg2.connect(connection.dsn) as other, other.cursor() as cursor:
        cursor.execute("SELECT datediff('day', '2026-01-01', '2026-01-03')")
        assert cursor.fetchone() == (2,), "a BI tool finds the functions without a setting"
