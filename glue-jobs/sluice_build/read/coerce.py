"""Makes a JSON value of a source into the value of a column, or says why it does not fit.

Nothing is lost silently: a value either keeps its meaning exactly or is a Misfit. What counts as
keeping it: a double or float takes the nearest number, a timestamp keeps microseconds.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final

from sluice_build.contract.column_types import (
    VARCHAR_BYTES,
    ColumnType,
    DecimalType,
    EpochSeconds,
    ListType,
    MapType,
    Scalar,
    StructType,
)

SHORTENED_CHARACTERS = 80

# Any JSON value in, the column's value out: timestamps as microseconds and dates as days since
# 1970, maps as lists of pairs, for Arrow takes them as they are.
Coerce = Callable[[Any], Any]


class Misfit(ValueError):
    """A value does not fit its column; the message shows the value, shortened, and why."""


def shortened(value: object) -> str:
    """A value as text of at most 80 characters."""
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= SHORTENED_CHARACTERS else text[: SHORTENED_CHARACTERS - 1] + "…"


def coercer(column_type: ColumnType, published: bool) -> Coerce:
    """The function that makes values of a column; `published` adds the warehouse's limits."""
    convert = _coercer(column_type, published)
    match column_type:
        case Scalar("string") if published:
            return _limited(convert, lambda text: len(text.encode()), "bytes of text")
        case Scalar("binary") if published:
            return _limited(convert, lambda data: 2 * len(data), "characters of hex text")
        case Scalar("json") if published:
            return _limited(convert, lambda text: len(text.encode()), "bytes of JSON")
        case ListType() | MapType() | StructType() if published:
            # Times are numbers here, and text at most twice as long in the warehouse's JSON.
            room = VARCHAR_BYTES // 2 if _has_times(column_type) else VARCHAR_BYTES
            return _limited_nested(convert, room)
        case _:
            return convert


def _limited(convert: Coerce, size: Callable[[Any], int], unit: str) -> Coerce:
    def limited(value: object) -> object:
        result = convert(value)
        # A character takes at most four bytes, so short values need no second look.
        if result is not None and len(result) > VARCHAR_BYTES // 4 and size(result) > VARCHAR_BYTES:
            raise Misfit(
                f"{size(result)} {unit} are more than the warehouse's {VARCHAR_BYTES}: "
                "keep the table in the lake (publish: false), or leave the column out"
            )
        return result

    return limited


def _limited_nested(convert: Coerce, room: int) -> Coerce:
    """Nested values reach the warehouse as JSON text, which has a VARCHAR's room."""

    def limited(value: object) -> object:
        result = convert(value)
        # Few values come near, and a representation is quickly made; JSON is at most a few times
        # as long.
        if result is None or len(repr(result)) <= VARCHAR_BYTES // 8:
            return result
        size = len(json.dumps(result, default=_as_long_as_json, ensure_ascii=False).encode())
        if size > room:
            raise Misfit(
                f"about {size} bytes of JSON are more than the warehouse's {room}: "
                "keep the table in the lake (publish: false), or leave the column out"
            )
        return result

    return limited


def _as_long_as_json(value: object) -> str:
    """A text no shorter than what Spark writes for a value that JSON has no form for."""
    return value.hex() if isinstance(value, bytes) else str(value)


def _has_times(column_type: ColumnType) -> bool:
    match column_type:
        case Scalar(name):
            return name in ("timestamp", "date")
        case EpochSeconds():
            return True
        case DecimalType():
            return False
        case ListType(inner) | MapType(inner):
            return _has_times(inner)
        case StructType(fields):
            return any(_has_times(field.type) for field in fields)


def _coercer(column_type: ColumnType, published: bool) -> Coerce:
    match column_type:
        case Scalar("string"):
            return _scalar(_published_text if published else _text)
        case Scalar("json"):
            return _published_json if published else _json
        case Scalar(name):
            return _scalar(_SCALARS[name])
        case EpochSeconds():
            return _scalar(lambda value: _timestamp(value, 1_000_000))
        case DecimalType(precision, scale):
            return _scalar(lambda value: _decimal(value, precision, scale))
        case ListType(element):
            return _list(_coercer(element, published))
        case MapType(inner):
            return _scalar(_map(_coercer(inner, published)))
        case StructType(fields):
            return _scalar(
                _struct(
                    [
                        (field.name, field.source, _coercer(field.type, published))
                        for field in fields
                    ]
                )
            )


def _scalar(convert: Coerce) -> Coerce:
    """Takes the element of a list of one, which is how Elasticsearch may send any value."""

    def scalar(value: object) -> object:
        while type(value) is list:
            if len(value) > 1:
                raise Misfit(f"{shortened(value)} is a list of {len(value)}, one value is declared")
            value = value[0] if value else None
        return None if value is None else convert(value)

    return scalar


def _list(element: Coerce) -> Coerce:
    def convert(value: object) -> list[object]:
        values = value if type(value) is list else [value]
        return [None if item is None else element(item) for item in values]

    return convert


def _map(inner: Coerce) -> Coerce:
    def convert(value: object) -> list[tuple[str, object]]:
        if type(value) is not dict:
            raise Misfit(f"{shortened(value)} is not an object")
        # Sorted, so that a row's hash does not depend on the order that the source chose.
        return [
            (_text(key), None if item is None else inner(item))
            for key, item in sorted(value.items())
        ]

    return convert


def _struct(fields: list[tuple[str, str, Coerce]]) -> Coerce:
    def convert(value: object) -> dict[str, object]:
        if type(value) is not dict:
            raise Misfit(f"{shortened(value)} is not an object")
        result = {}
        for name, source, inner in fields:
            item = value.get(source)
            try:
                result[name] = None if item is None else inner(item)
            except Misfit as misfit:
                raise Misfit(f"field {name}: {misfit}") from None
        return result

    return convert


def _text(value: object) -> str:
    if type(value) is str:
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise Misfit(f"{shortened(value)} holds half a surrogate pair") from None
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) is int or type(value) is Decimal:
        return str(value)
    raise Misfit(f"{shortened(value)} is not text")


def _published_text(value: object) -> str:
    text = _text(value)
    if "\0" in text:
        raise Misfit(f"{shortened(text)} holds a NUL character, which the warehouse cannot keep")
    return text


def _boolean(value: object) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise Misfit(f"{shortened(value)} is not a boolean")


_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
# More digits than any declared type holds; it also keeps 1e999999999 from being written out.
_MOST_DIGITS: Final = 400


def _number(value: object) -> int | Decimal:
    if type(value) is int or type(value) is Decimal:
        return value
    if type(value) is str and len(value) < 4000 and _NUMBER.fullmatch(value):
        return Decimal(value)
    raise Misfit(f"{shortened(value)} is not a number")


def _integer(value: object, low: int, high: int, name: str) -> int:
    number = _number(value)
    if type(number) is Decimal:
        if number.adjusted() > _MOST_DIGITS:
            raise Misfit(f"{shortened(value)} is out of the range of {name}")
        whole = 0 if number.adjusted() < 0 else int(number)
        if whole != number:
            raise Misfit(f"{shortened(value)} has a fraction, {name} has none")
        number = whole
    if not low <= number <= high:
        raise Misfit(f"{shortened(value)} is out of the range of {name}")
    return int(number)


_NOT_FINITE: Final = ("NaN", "Infinity", "-Infinity")


def _double(value: object) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return float(value)
    number = _number(value)
    try:
        result = float(number)
    except OverflowError:
        result = float("inf")
    if result in (float("inf"), float("-inf")):
        raise Misfit(f"{shortened(value)} is out of the range of double")
    return result


# The middle between the largest float and the next power of two: from here rounding overflows.
_FLOAT_OVERFLOW: Final = 2.0**128 - 2.0**103


def _float(value: object) -> float:
    result = _double(value)
    if value not in _NOT_FINITE and abs(result) >= _FLOAT_OVERFLOW:
        raise Misfit(f"{shortened(value)} is out of the range of float")
    return result


_EXACT: Final = Context(prec=120, traps=[Inexact, InvalidOperation])


def _decimal(value: object, precision: int, scale: int) -> Decimal:
    number = _number(value)
    number = Decimal(number) if type(number) is int else number
    assert isinstance(number, Decimal)
    if number != 0 and number.adjusted() >= precision - scale:
        raise Misfit(f"{shortened(value)} has more digits than decimal({precision},{scale}) holds")
    try:
        return number.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    except (Inexact, InvalidOperation):
        raise Misfit(
            f"{shortened(value)} has more decimals than decimal({precision},{scale}) holds"
        ) from None


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST_MICROS: Final = (datetime(1, 1, 1, tzinfo=_EPOCH.tzinfo) - _EPOCH) // _MICROSECOND
_LAST_MICROS: Final = (
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=_EPOCH.tzinfo) - _EPOCH
) // _MICROSECOND
_MICROS_A_DAY: Final = 86_400_000_000
_YEAR_OR_MONTH: Final = re.compile(r"\d{4}(-\d{2})?", re.ASCII)


def _timestamp(value: object, unit_micros: int) -> int:
    if type(value) is str and (len(value) >= 10 and value[4] == "-" and value[7] == "-"):
        return _iso(value)
    if type(value) is str and _YEAR_OR_MONTH.fullmatch(value):
        return _iso(value + "-01-01"[: 10 - len(value)] if len(value) == 4 else value + "-01")
    if type(value) is bool:
        raise Misfit(f"{shortened(value)} is not a timestamp")
    try:
        number = _number(value)
    except Misfit:
        raise Misfit(f"{shortened(value)} is not a timestamp") from None
    if type(number) is Decimal:
        if number.adjusted() > 20:
            raise Misfit(f"{shortened(value)} is out of the range of timestamps")
        micros = int((number * unit_micros).to_integral_value(rounding="ROUND_FLOOR"))
    else:
        micros = int(number) * unit_micros
    if not _FIRST_MICROS <= micros <= _LAST_MICROS:
        raise Misfit(f"{shortened(value)} is out of the range of timestamps")
    return micros


def _iso(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=_EPOCH.tzinfo)
        micros = (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        raise Misfit(f"{shortened(text)} is not a timestamp") from None
    if not _FIRST_MICROS <= micros <= _LAST_MICROS:
        raise Misfit(f"{shortened(text)} is out of the range of timestamps")
    return micros


def _date(value: object) -> int:
    if type(value) is str and len(value) == 10:
        try:
            return (date.fromisoformat(value) - _EPOCH.date()).days
        except ValueError:
            raise Misfit(f"{shortened(value)} is not a date") from None
    try:
        days, rest = divmod(_timestamp(value, 1000), _MICROS_A_DAY)
    except Misfit:
        raise Misfit(f"{shortened(value)} is not a date") from None
    if rest:
        raise Misfit(f"{shortened(value)} has a time of day: declare the column timestamp")
    return days


def _binary(value: object) -> bytes:
    if type(value) is str:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise Misfit(f"{shortened(value)} is not base64 text")


_QUOTED: Final = re.compile(r'["\\\x00-\x1f]')
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quote(text: str) -> str:
    escaped = _QUOTED.sub(lambda found: _ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}"), text)
    return f'"{escaped}"'


def json_text(value: object) -> str:
    """A parsed JSON value as text again; numbers keep their digits."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) is str:
        return _quote(_text(value))
    if type(value) is list:
        return "[" + ",".join([json_text(item) for item in value]) + "]"
    if type(value) is dict:
        pairs = [f"{_quote(_text(key))}:{json_text(item)}" for key, item in value.items()]
        return "{" + ",".join(pairs) + "}"
    return str(value)


def _json(value: object) -> str | None:
    return None if value is None else json_text(value)


def _published_json(value: object) -> str | None:
    text = _json(value)
    if text is not None and "\\u0000" in text:
        raise Misfit(f"{shortened(text)} holds a NUL character, which the warehouse cannot keep")
    return text


_SCALARS: Final[dict[str, Coerce]] = {
    "boolean": _boolean,
    "int": lambda value: _integer(value, -(2**31), 2**31 - 1, "int"),
    "long": lambda value: _integer(value, -(2**63), 2**63 - 1, "long"),
    "float": _float,
    "double": _double,
    "date": _date,
    "timestamp": lambda value: _timestamp(value, 1000),
    "binary": _binary,
}
