"""Redshift SQL as PostgreSQL: by tables of statements, and by running what comes out."""

from collections.abc import Iterator

import psycopg2
import pytest
from emulator.redshift_sql import (
    CopyParquet,
    LateBindingView,
    PostgresSql,
    WidenVarchar,
    bind_parameters,
    translate,
)
from emulator.redshift_tokens import (
    NotEmulatedError,
    RedshiftError,
    quote_literal,
    split_statements,
    string_value,
    tokenize,
)
from emulator.warehouse_session import Session, connect, install_functions
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import connection as PgConnection
from real_servers import postgres

# --- pure -------------------------------------------------------------------------------------

DEFINITIONS = [
    (
        'CREATE TABLE IF NOT EXISTS lake.T (id BIGINT NOT NULL ENCODE az64, "When" TIMESTAMP,'
        " v VARCHAR(MAX) ENCODE zstd, w VARCHAR, x TEXT, p SUPER, d DECIMAL, c CHAR(3),"
        " f DOUBLE PRECISION, tz TIMESTAMP WITH TIME ZONE, n NUMERIC(18, 2) DEFAULT 0)"
        ' DISTSTYLE KEY DISTKEY ("ID") COMPOUND SORTKEY (id, "When") BACKUP NO',
        'CREATE TABLE IF NOT EXISTS "lake"."t" ("id" BIGINT NOT NULL, "when" TIMESTAMP,'
        ' "v" VARCHAR(65535), "w" VARCHAR(256), "x" VARCHAR(256), "p" JSONB, "d" NUMERIC(18,0),'
        ' "c" CHAR(3), "f" DOUBLE PRECISION, "tz" TIMESTAMPTZ, "n" NUMERIC(18,2) DEFAULT (0))',
    ),
    ("CREATE TABLE a (k INT DISTKEY SORTKEY, v INT) DISTSTYLE ALL SORTKEY AUTO", None),
    ("CREATE TEMP TABLE s (LIKE lake.t INCLUDING DEFAULTS)", None),
    ("CREATE TABLE #s (i INT)", 'CREATE TEMP TABLE "s" ("i" INTEGER)'),
    (
        "CREATE TABLE b DISTKEY(k) SORTKEY(k) AS (SELECT NVL(k, 0) AS k FROM a)",
        'CREATE TABLE "b" AS SELECT COALESCE(k, 0) AS k FROM a',
    ),
    ("ALTER TABLE a ADD COLUMN c VARCHAR(9) ENCODE lzo DEFAULT 'x'", None),
    ("ALTER TABLE a DROP COLUMN v CASCADE", 'ALTER TABLE "a" DROP COLUMN "v" CASCADE'),
    ("LOCK a, lake.t", 'LOCK TABLE "a", "lake"."t" IN ACCESS EXCLUSIVE MODE'),
    ("LOCK TABLE a;", 'LOCK TABLE "a" IN ACCESS EXCLUSIVE MODE'),
    ("CREATE SCHEMA IF NOT EXISTS lake QUOTA 5 GB", 'CREATE SCHEMA IF NOT EXISTS "lake"'),
    ("CREATE ROLE r", 'CREATE ROLE "r"'),
    ("CREATE USER u PASSWORD 'Xy1' CREATEUSER", "CREATE ROLE \"u\" LOGIN PASSWORD 'Xy1'"),
    ('CREATE USER "IAMR:x" PASSWORD DISABLE', 'CREATE ROLE "iamr:x" LOGIN PASSWORD NULL'),
    ("GRANT USAGE ON SCHEMA s TO ROLE r, GROUP g", "GRANT USAGE ON SCHEMA s TO r , g"),
    ("GRANT ROLE r TO u", "GRANT r TO u"),
    ("REVOKE ALL ON t FROM ROLE r", "REVOKE ALL ON t FROM r"),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO ROLE r",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO r",
    ),
    (r"COMMENT ON TABLE a IS 'it''s \\ here'", r"COMMENT ON TABLE a IS E'it''s \\ here'"),
    ("TRUNCATE lake.t", 'TRUNCATE TABLE "lake"."t"'),
    ("ANALYZE lake.t PREDICATE COLUMNS", 'ANALYZE "lake"."t"'),
    ("-- why\nDROP TABLE IF EXISTS /* no */ A", "DROP TABLE IF EXISTS A"),
]


@pytest.mark.parametrize(("redshift", "expected"), DEFINITIONS)
def test_definitions(redshift: str, expected: str | None) -> None:
    statement = translate(redshift)[0]
    assert isinstance(statement, PostgresSql)
    if expected is not None:
        assert statement.text == expected
    for word in ("DISTKEY", "SORTKEY", "DISTSTYLE", "ENCODE", "BACKUP", "QUOTA"):
        assert word not in statement.text


@pytest.mark.parametrize(
    "nothing",
    [
        "VACUUM FULL a TO 99 PERCENT",
        "SET query_group TO 'x'",
        "ALTER TABLE a ALTER SORTKEY (b)",
        "ALTER TABLE a ALTER COLUMN c ENCODE zstd",
        "GRANT CREATE ON DATABASE dev TO ROLE r",
    ],
)
def test_what_only_concerns_redshift_is_left_out(nothing: str) -> None:
    assert translate(nothing) == []


def test_a_grant_on_tables_to_come() -> None:
    texts = [
        statement.text
        for statement in translate("GRANT SELECT FOR TABLES IN SCHEMA mart TO ROLE r")
        if isinstance(statement, PostgresSql)
    ]
    assert texts == [
        "GRANT SELECT ON ALL TABLES IN SCHEMA mart TO r",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT SELECT ON TABLES TO r",
    ]


def test_statements_of_their_own_kind() -> None:
    assert translate("ALTER TABLE L.T ALTER COLUMN c TYPE VARCHAR(MAX)") == [
        WidenVarchar(("l", "t"), "c", 65535)
    ]
    assert translate("CREATE OR REPLACE VIEW m.v AS SELECT a FROM l.t WITH NO SCHEMA BINDING") == [
        LateBindingView(("m", "v"), (), "SELECT a FROM l.t", or_replace=True)
    ]
    assert translate(
        "COPY s.t (A, \"B\") FROM 's3://bucket/a/manifest' IAM_ROLE default"
        " FORMAT AS PARQUET MANIFEST SERIALIZETOJSON FILLRECORD STATUPDATE OFF"
    ) == [
        CopyParquet(
            table=("s", "t"),
            columns=("a", "b"),
            bucket="bucket",
            key="a/manifest",
            manifest=True,
            serialize_to_json=True,
            fill_record=True,
        )
    ]


REFUSED = [
    ("SELECT 1; SELECT 2", "multiple commands"),
    (" ; ", "is empty"),
    ("SELEC 1", "does not understand"),
    ("SELECT 'open", "unterminated"),
    ("CREATE TABLE a (j JSONB)", 'Column "j" has unsupported type "jsonb"'),
    ("CREATE TABLE a (u UUID)", "unsupported type"),
    ("CREATE TABLE a (v VARCHAR(65536))", "between 1 and 65535"),
    ("CREATE TABLE a (d DECIMAL(39, 2))", "out of range"),
    ("ALTER TABLE a ADD COLUMN IF NOT EXISTS b INT", "syntax error"),
    ("ALTER TABLE a ADD COLUMN b INT, ADD COLUMN c INT", "one column at a time"),
    ("ALTER TABLE a ADD COLUMN b INT NOT NULL", "non-null default"),
    ("ALTER TABLE a ALTER COLUMN b TYPE BIGINT", "only the size of a VARCHAR"),
    ("CREATE VIEW v AS SELECT 1 FROM t WITH NO SCHEMA BINDING", "should be qualified"),
    ("COPY t FROM 's3://b/k' FORMAT PARQUET", "IAM_ROLE"),
    ("COPY t FROM 's3://b/k' IAM_ROLE default CSV", "PARQUET only"),
    ("COPY t FROM 's3://b/k' IAM_ROLE default PARQUET GZIP", "GZIP argument is not supported"),
    ("COPY t FROM 'file://b/k' IAM_ROLE default PARQUET", "not an S3 path"),
    ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", "one WHEN NOT MATCHED"),
    (
        "MERGE INTO t AS x USING s ON x.a = s.a WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES (s.a)",
        "no alias in MERGE",
    ),
    ("BEGIN", "not emulated"),
    ("UNLOAD ('SELECT 1') TO 's3://b/k' IAM_ROLE default", "not emulated"),
    ("CREATE EXTERNAL SCHEMA s FROM DATA CATALOG", "not emulated"),
]


@pytest.mark.parametrize(("redshift", "message"), REFUSED)
def test_refusals(redshift: str, message: str) -> None:
    with pytest.raises(RedshiftError, match=message.replace("(", r"\(")):
        translate(redshift)


@pytest.mark.parametrize(
    "redshift",
    [
        "ALTER TABLE a ALTER COLUMN b TYPE VARCHAR(9)",
        "VACUUM a",
        "ALTER TABLE a APPEND FROM b",
    ],
)
def test_refused_inside_a_transaction(redshift: str) -> None:
    with pytest.raises(RedshiftError, match="cannot run inside a transaction block") as refused:
        translate(redshift, in_transaction=True)
    assert not isinstance(refused.value, NotEmulatedError)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")))
def test_literals_survive_quoting_and_splitting(value: str) -> None:
    literal = quote_literal(value)
    tokens = tokenize(literal.removeprefix("E"))
    assert len(tokens) == 1
    assert split_statements(f"SELECT {literal.removeprefix('E')};") == [
        f"SELECT {literal.removeprefix('E')}"
    ]
    if literal.startswith("E"):
        assert string_value(tokens[0]) == value


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")))
def test_a_parameter_is_one_literal(value: str) -> None:
    bound = bind_parameters("SELECT :p, ':p', x::int", {"p": value})
    token = tokenize(bound)[1]
    assert string_value(token) == value
    assert bound.endswith(", ':p', x::int")


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
            "CREATE TABLE dw.f (id INT NOT NULL DISTKEY, ts TIMESTAMP, amount DECIMAL(18,2),"
            " note VARCHAR(MAX), payload SUPER, PRIMARY KEY (id)) SORTKEY (ts)",
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


def test_numbering_and_defaults(connection: PgConnection) -> None:
    run(
        connection,
        "CREATE TABLE dw.n (i BIGINT IDENTITY(0, 2), j BIGINT GENERATED BY DEFAULT AS"
        " IDENTITY(5, 1), at TIMESTAMP DEFAULT SYSDATE ENCODE az64, v VARCHAR(3) DEFAULT 'x')",
    )
    run(connection, "INSERT INTO dw.n (v) VALUES ('a'), ('b')")
    run(connection, "INSERT INTO dw.n (j) VALUES (9)")
    assert run(connection, "SELECT i, j, v, at IS NOT NULL FROM dw.n ORDER BY i") == [
        [0, 5, "a", True],
        [2, 6, "b", True],
        [4, 9, "x", True],
    ]


def test_the_database_errors_come_through(connection: PgConnection) -> None:
    with pytest.raises(RedshiftError, match=r'relation "dw\.absent" does not exist'):
        run(connection, "SELECT 1 FROM dw.absent")
    with pytest.raises(RedshiftError, match="value too long"):
        run(connection, "INSERT INTO dw.target VALUES (9, 'longer than ten')")
    with psycopg2.connect(connection.dsn) as other, other.cursor() as cursor:
        cursor.execute("SELECT datediff('day', '2026-01-01', '2026-01-03')")
        assert cursor.fetchone() == (2,), "a BI tool finds the functions without being told"
