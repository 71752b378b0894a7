"""What is decided without a server: lines, tags, order, packing, types, arguments, contracts."""

import pytest
from pyspark.sql import types as t
from sluice_build.build.models import contract_mistakes, load_function
from sluice_build.build.plan import ready, selection, up_to_date
from sluice_build.contract.arguments import Arguments, parse
from sluice_build.contract.column_types import Json, redshift_type, spark_type
from sluice_build.contract.column_types import parse as parse_type
from sluice_build.lake.deletes import too_many
from sluice_build.lake.tags import model_fingerprint, model_tag, newest, table_tag
from sluice_build.read.lines import LineReader, Rejected, Row, find
from sluice_build.read.objects import packed
from sluice_build.stores.catalog import Column, Definition, ModelDefinition, TableDefinition


def table(columns: dict[str, Json], soft_delete: str | None = None) -> TableDefinition:
    return TableDefinition(
        name="t",
        key=("id",),
        columns=tuple(
            Column(name, parse_type(declared), declared, (name,), True)
            for name, declared in columns.items()
        ),
        partitioning=(),
        checks=(),
        published=True,
        fingerprint="f" * 64,
        soft_delete_column=soft_delete,
        max_share=0.1,
    )


def model(name: str, *inputs: str) -> ModelDefinition:
    return ModelDefinition(name, ("id",), (), (), (), True, "f", "sql", "s3://b/k", inputs)


def test_arguments() -> None:
    given = [
        "--JOB_NAME",
        "j",
        "--deployment",
        "d",
        "--bucket",
        "b",
        "--ledger",
        "l",
        "--run",
        "r",
        "--catalog-stacks",
        "4",
        "--tables",
        "a,b",
    ]
    assert parse(given) == Arguments("d", "b", "l", "r", 4, ("a", "b"))
    assert parse(given[:-2]).tables is None


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        ({"a": {"b": {"c": 1}}}, 1),
        ({"a.b.c": 1}, 1),
        ({"a": {"b.c": 1}}, 1),
        ({"a.b": {"c": 1}}, 1),
        ({"a": [{"b": {"c": 1}}, {}, {"b": {"c": 2}}]}, [1, 2]),
        ({"a": None}, None),
        ({"a": []}, None),
        ({}, None),
    ],
)
def test_find(doc: object, expected: object) -> None:
    assert find(doc, ("a", "b", "c")) == expected


def test_lines() -> None:
    read = LineReader(table({"score": "int", "id": "long"})).read
    head = b'"id":null,"version":[1,2,3],"observed_at":5'
    assert read(b'{"op":"upsert",' + head + b',"doc":{"id":7,"score":1}}') == Row(
        "upsert", {"id": 7, "score": 1}, (1, 2, 3), 5, False
    )
    assert read(b'{"op":"key",' + head + b',"doc":{"id":7}}') == Row(
        "key", {"id": 7}, None, 5, False
    )
    assert read(b'{"op":"upsert",' + head + b',"doc":{"id":7,"score":"x"}}') == Rejected(
        "'x' is not a number", "score", {"id": 7}, 5
    )
    no_key = read(b'{"op":"upsert",' + head + b',"doc":{"score":1}}')
    assert no_key == Rejected("null where a value is required", "id", None, 5)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\xff", "the line is not JSON"),
        (b"NaN", "the line is not JSON"),
        (b"", "the line is not JSON"),
        (b"[" * 100_000, "the line is not JSON"),
        (b"[]", "the line is not a JSON object"),
        (b'{"op":"delete"}', "op is 'delete'"),
        (b'{"op":"key","observed_at":"x"}', "observed_at is 'x'"),
        (b'{"op":"upsert","observed_at":1,"version":[1,2]}', "version is [1, 2]"),
        (b'{"op":"upsert","observed_at":1,"version":[1,2,1e3]}', "version is"),
        (b'{"op":"upsert","observed_at":1,"version":[1,2,9223372036854775808]}', "version is"),
        (b'{"op":"key","observed_at":1,"doc":7}', "the document is not an object"),
        (b'{"op":"key","observed_at":1,"id":7,"doc":{}}', "id is 7"),
    ],
)
def test_lines_that_are_none(line: bytes, reason: str) -> None:
    read = LineReader(table({"id": "long"})).read(line)
    assert isinstance(read, Rejected)
    assert read.reason.startswith(reason)
    assert read.observed_at_millis is None


@pytest.mark.parametrize(
    ("kind", "value", "deleted"),
    [
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("boolean", "null", False),
        ("timestamp", "0", True),
        ("timestamp", "null", False),
    ],
)
def test_soft_delete_columns(kind: str, value: str, deleted: bool) -> None:
    reader = LineReader(table({"id": "long", "gone": kind}, "gone"))
    text = f'{{"op":"upsert","version":[1,0,0],"observed_at":1,"doc":{{"id":1,"gone":{value}}}}}'
    row = reader.read(text.encode())
    assert isinstance(row, Row)
    assert row.deleted == deleted


def test_newest_tag_in_the_ancestry_counts() -> None:
    tags = {
        3: [table_tag(7, "a" * 64, "2")],
        2: [table_tag(5, "a" * 64, "2"), table_tag(5, "b" * 64, "2"), table_tag(4, "c" * 64, "2")],
        9: [table_tag(8, "a" * 64, "9")],
    }
    assert newest([4, 1], tags) is None
    applied = newest([4, 2, 3], tags)
    assert applied is not None
    assert (applied.through, applied.content_id) == (5, "2")
    assert applied.fingerprints == {"a" * 12, "b" * 12}
    assert up_to_date(5, 5, "b" * 64, applied.fingerprints)
    assert not up_to_date(5, 5, "c" * 64, applied.fingerprints)
    assert not up_to_date(5, 6, "b" * 64, applied.fingerprints)


def test_a_model_s_tag_tells_its_inputs_contents() -> None:
    one = model_fingerprint("f", {"a": "1", "b": "2"})
    assert one == model_fingerprint("f", {"b": "2", "a": "1"})
    assert len({one, model_fingerprint("g", {"a": "1"}), model_fingerprint("f", {"a": "1"})}) == 3
    applied = newest([5], {5: ["other", model_tag(one, "4")]})
    assert applied is not None
    assert (applied.fingerprints, applied.content_id) == (frozenset([one]), "4")


def test_selection_brings_what_is_derived() -> None:
    entries: list[Definition] = [
        table({"id": "long"}),
        model("m", "t"),
        model("n", "m"),
        model("o", "p"),
    ]
    assert selection(entries, None) == {"t", "m", "n", "o"}
    assert selection(entries, ["t"]) == {"t", "m", "n"}
    assert selection(entries, ["n", "unknown"]) == {"n"}


def test_ready_follows_the_inputs() -> None:
    inputs = {"t": [], "m": ["t"], "n": ["m", "t"]}
    assert ready({"t", "m", "n"}, inputs, set()) == ["t"]
    assert ready({"m", "n"}, inputs, {"t"}) == ["m"]
    assert ready({"n"}, inputs, {"t", "m"}) == ["n"]


def test_objects_are_packed_in_order_by_size() -> None:
    mebibyte = 1024 * 1024
    assert packed([2 * mebibyte, 2 * mebibyte, 3 * mebibyte, 20 * mebibyte, 1]) == [
        [0, 1],
        [2],
        [3],
        [4],
    ]
    assert [len(group) for group in packed([1] * 450)] == [200, 200, 50]


@pytest.mark.parametrize(
    ("declared", "spark", "redshift"),
    [
        ("string", "string", "VARCHAR(65535)"),
        ("boolean", "boolean", "BOOLEAN"),
        ("int", "int", "INTEGER"),
        ("long", "bigint", "BIGINT"),
        ("float", "float", "REAL"),
        ("double", "double", "DOUBLE PRECISION"),
        ({"decimal": [9, 2]}, "decimal(9,2)", "DECIMAL(9,2)"),
        ("date", "date", "DATE"),
        ("timestamp", "timestamp", "TIMESTAMP"),
        ({"timestamp": "epoch_seconds"}, "timestamp", "TIMESTAMP"),
        ("binary", "binary", "VARCHAR(65535)"),
        ("json", "string", "SUPER"),
        ({"list": {"map": "int"}}, "array<map<string,int>>", "SUPER"),
        ({"struct": [{"name": "a", "type": "date"}]}, "struct<a:date>", "SUPER"),
    ],
)
def test_types(declared: Json, spark: str, redshift: str) -> None:
    parsed = parse_type(declared)
    assert spark_type(parsed).simpleString() == spark
    assert redshift_type(parsed) == redshift


def test_what_a_model_gives_is_held_to_its_columns() -> None:
    def schema(**fields: t.DataType) -> t.StructType:
        return t.StructType([t.StructField(name, declared) for name, declared in fields.items()])

    wanted = schema(id=t.LongType(), name=t.StringType())
    assert contract_mistakes(schema(name=t.NullType(), id=t.IntegerType()), wanted) == []
    assert contract_mistakes(schema(id=t.StringType(), other=t.DateType()), wanted) == [
        "column id is string, declared bigint: cast it in the script",
        "column name is missing",
        "column other is not declared",
    ]
    decimals = schema(x=t.DecimalType(10, 2))
    assert contract_mistakes(schema(x=t.DecimalType(9, 2)), decimals) == []
    assert contract_mistakes(schema(x=t.DecimalType(10, 3)), decimals) != []


def test_a_script_without_model_is_named() -> None:
    with pytest.raises(Exception, match=r"s3://b/k\.py has no function model"):
        load_function("m", "x = 1", "s3://b/k.py")


def test_share_of_deletes() -> None:
    assert not too_many(1, 10, 0.1)
    assert too_many(2, 10, 0.1)
    assert not too_many(10, 10, 1)
