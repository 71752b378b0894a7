"""Values of sources as values of columns: exact, or a Misfit that says why."""

import base64
import json
import struct
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluice_build.contract.column_types import Json, parse
from sluice_build.read.coerce import Misfit, coercer, json_text


def coerce(column_type: Json, value: object, published: bool = False) -> object:
    return coercer(parse(column_type), published)(value)


def sent(text: str) -> object:
    """A value as the build parses it."""
    return json.loads(text, parse_float=Decimal)


SCALARS: list[Json] = [
    "string",
    "boolean",
    "int",
    "long",
    "float",
    "double",
    "date",
    "timestamp",
    "binary",
    {"decimal": [10, 2]},
    {"timestamp": "epoch_seconds"},
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False).map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(SCALARS), json_values)
def test_a_value_fits_or_is_a_misfit_and_nothing_else(column_type: Json, value: object) -> None:
    try:
        result = coerce(column_type, value, published=True)
    except Misfit:
        return
    # One value in a list is that value.
    assert coerce(column_type, [value], published=True) == result or result != result


@given(st.integers())
def test_integers_are_kept_exactly_or_refused(value: int) -> None:
    for name, bits in (("int", 32), ("long", 64)):
        for form in (value, str(value), Decimal(value), f"{value}.0", f"{value}e0"):
            if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
                assert coerce(name, form) == value
            else:
                with pytest.raises(Misfit, match="out of the range"):
                    coerce(name, form)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_fractions_are_no_integers_and_decimals_are_exact(value: Decimal) -> None:
    try:
        assert coerce("long", value) == value
    except Misfit:
        assert value != value.to_integral_value() or abs(value) >= 2**63
    try:
        assert coerce({"decimal": [12, 3]}, value) == value
    except Misfit:
        assert abs(value) >= 10**9 or value != round(value, 3)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_are_kept(value: float) -> None:
    assert coerce("double", Decimal(repr(value))) == value
    assert coerce("double", repr(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_overflow_loudly(value: float) -> None:
    try:
        struct.pack("<f", value)
        fits = True
    except OverflowError:
        fits = False
    if fits:
        assert coerce("float", Decimal(repr(value))) == value
    else:
        with pytest.raises(Misfit, match="out of the range of float"):
            coerce("float", Decimal(repr(value)))


moments = st.datetimes(
    min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.none()
)


@given(moments, st.integers(-23 * 60, 23 * 60))
def test_timestamps_of_any_time_and_offset(moment: datetime, offset_minutes: int) -> None:
    utc = moment.replace(tzinfo=UTC)
    micros = (utc - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    local = utc.astimezone(timezone(timedelta(minutes=offset_minutes)))
    assert coerce("timestamp", local.isoformat()) == micros
    assert coerce("timestamp", utc.isoformat().replace("+00:00", "Z")) == micros
    assert coerce("timestamp", moment.isoformat()) == micros
    assert coerce("timestamp", micros // 1000) == micros // 1000 * 1000
    seconds = Decimal(micros) / 1_000_000
    assert coerce({"timestamp": "epoch_seconds"}, seconds) == micros


@given(json_values)
def test_json_keeps_every_digit(value: object) -> None:
    text = json_text(value)
    again = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    assert again == value


@given(st.binary())
def test_binary(value: bytes) -> None:
    assert coerce("binary", base64.b64encode(value).decode()) == value


@given(st.lists(st.integers(-100, 100)))
def test_lists(value: list[int]) -> None:
    assert coerce({"list": "int"}, value) == value
    if len(value) == 1:
        assert coerce({"list": "int"}, value[0]) == value
        assert coerce("int", value) == value[0]
    if len(value) > 1:
        with pytest.raises(Misfit, match="is a list of"):
            coerce("int", value)


@pytest.mark.parametrize(
    ("column_type", "value", "expected"),
    [
        ("string", "12", "12"),
        ("string", "1.10", "1.10"),
        ("string", "true", "true"),
        ("long", '"12"', 12),
        ("long", "1.20e1", 12),
        ("int", "[]", None),
        ("int", "[[7]]", 7),
        ("boolean", '"false"', False),
        ("double", '"-Infinity"', float("-inf")),
        ("float", '"Infinity"', float("inf")),
        ("date", '"1969-12-31"', -1),
        ("date", "86400000", 1),
        ("date", '"2024-02-29T00:00:00Z"', 19782),
        ("timestamp", '"1970-01-01T00:00:00.123456789Z"', 123456),
        ("timestamp", '"1969-12-31T23:59:59.9999999Z"', -1),
        ("timestamp", '"1970"', 0),
        ("timestamp", '"1970-02"', 31 * 86_400_000_000),
        ("timestamp", "-1", -1000),
        ("timestamp", '"1500"', -14831769600000000),
        ("timestamp", '"15000"', 15_000_000),
        ({"timestamp": "epoch_seconds"}, "1.5", 1_500_000),
        ({"decimal": [4, 2]}, "99.990", Decimal("99.99")),
        ("json", "null", None),
        ("json", '{"a":[1.0,1e400]}', '{"a":[1.0,1E+400]}'),
        ({"map": "int"}, '{"b":1,"a":null}', [("a", None), ("b", 1)]),
        ({"struct": [{"name": "a", "type": "int", "from": "A"}]}, '{"A":"1"}', {"a": 1}),
    ],
)
def test_forms(column_type: Json, value: str, expected: object) -> None:
    assert coerce(column_type, sent(value)) == expected


@pytest.mark.parametrize(
    ("column_type", "value", "reason"),
    [
        ("int", "1.5", "1.5 has a fraction, int has none"),
        ("int", "true", "True is not a number"),
        ("int", '""', "'' is not a number"),
        ("int", '"1_000"', "'1_000' is not a number"),
        ("int", "1e999999999", "out of the range of int"),
        ("long", "9223372036854775808", "out of the range of long"),
        ("boolean", "1", "1 is not a boolean"),
        ("double", "1e400", "out of the range of double"),
        ("float", "1e39", "out of the range of float"),
        ({"decimal": [4, 2]}, "100", "more digits than decimal(4,2) holds"),
        ({"decimal": [4, 2]}, "1.001", "more decimals than decimal(4,2) holds"),
        ("date", '"2024-02-30"', "is not a date"),
        ("date", '"2024-02-28T10:00:00Z"', "declare the column timestamp"),
        ("timestamp", '"yesterday"', "is not a timestamp"),
        ("timestamp", "true", "is not a timestamp"),
        ("timestamp", "1e30", "out of the range of timestamps"),
        ("timestamp", '"0001-01-01T00:00:00+10:00"', "timestamp"),
        ("binary", '"???"', "is not base64 text"),
        ("string", "{}", "{} is not text"),
        ("string", '"\\ud800"', "half a surrogate pair"),
        ({"map": "int"}, "[1,2]", "is a list of 2"),
        ({"struct": [{"name": "a", "type": "int"}]}, '{"a":"x"}', "field a: 'x' is not a number"),
    ],
)
def test_misfits(column_type: Json, value: str, reason: str) -> None:
    with pytest.raises(Misfit) as raised:
        coerce(column_type, sent(value))
    assert reason in str(raised.value)


def test_the_limits_of_the_warehouse_bind_published_tables_only() -> None:
    assert coerce("string", "é" * 40_000) == "é" * 40_000
    with pytest.raises(Misfit, match="80000 bytes of text are more than"):
        coerce("string", "é" * 40_000, published=True)
    assert coerce("string", "x" * 65_535, published=True) == "x" * 65_535
    with pytest.raises(Misfit, match="NUL"):
        coerce("string", "a\0", published=True)
    with pytest.raises(Misfit, match="hex text"):
        coerce("binary", base64.b64encode(b"x" * 32_768).decode(), published=True)
    long_list = ["x" * 10_000] * 7
    for column_type in ({"list": "string"}, "json"):
        assert coerce(column_type, long_list) is not None
        assert coerce(column_type, long_list[:6], published=True) is not None
        with pytest.raises(Misfit, match="bytes of JSON are more than"):
            coerce(column_type, long_list, published=True)
    times = [1_700_000_000_000] * 2_000
    with pytest.raises(Misfit, match="bytes of JSON are more than"):
        coerce({"list": "timestamp"}, times, published=True)


def test_a_column_type_that_is_none_is_shown() -> None:
    with pytest.raises(ValueError, match="'text' is not a column type"):
        parse("text")
