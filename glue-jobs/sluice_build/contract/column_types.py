"""The column types of the catalog, and what each is in Spark and Redshift."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Literal, TypeAlias, cast, get_args

from pyspark.sql import types as spark

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

ScalarName = Literal[
    "string",
    "boolean",
    "int",
    "long",
    "float",
    "double",
    "date",
    "timestamp",
    "binary",
    "json",
]


@dataclass(frozen=True)
class Scalar:
    """A type without parameters."""

    name: ScalarName


@dataclass(frozen=True)
class DecimalType:
    """An exact number of `precision` digits, `scale` of them after the point."""

    precision: int
    scale: int


@dataclass(frozen=True)
class EpochSeconds:
    """A timestamp that the source sends as seconds since 1970."""


@dataclass(frozen=True)
class ListType:
    """A list of one type."""

    element: "ColumnType"


@dataclass(frozen=True)
class MapType:
    """A map from text to one type."""

    value: "ColumnType"


@dataclass(frozen=True)
class Field:
    """A field of a struct; `source` is its exact name in the source."""

    name: str
    type: "ColumnType"
    source: str


@dataclass(frozen=True)
class StructType:
    """Named fields."""

    fields: tuple[Field, ...]


ColumnType: TypeAlias = Scalar | DecimalType | EpochSeconds | ListType | MapType | StructType


def parse(value: Json) -> ColumnType:
    """Parse a ColumnType of `contract/column-types.ts`.

    Raises ValueError that shows the value where it is none.
    """
    if isinstance(value, str) and value in get_args(ScalarName):
        return Scalar(cast(ScalarName, value))
    if isinstance(value, dict) and len(value) == 1:
        [(kind, inner)] = value.items()
        match kind, inner:
            case "decimal", [int(precision), int(scale)] if 1 <= precision <= 38 and (
                0 <= scale <= precision
            ):
                return DecimalType(precision, scale)
            case "timestamp", "epoch_seconds":
                return EpochSeconds()
            case "list", _:
                return ListType(parse(inner))
            case "map", _:
                return MapType(parse(inner))
            case "struct", [_, *_]:
                return StructType(tuple(_field(field) for field in inner))
    raise ValueError(f"{value!r} is not a column type; see contract/column-types.ts")


def _field(value: Json) -> Field:
    match value:
        case {"name": str(name), "type": inner, "from": str(source)}:
            return Field(name, parse(inner), source)
        case {"name": str(name), "type": inner}:
            return Field(name, parse(inner), name)
    raise ValueError(f"{value!r} is not a field of a struct; it needs a name and a type")


_SPARK: Mapping[ScalarName, spark.DataType] = {
    "string": spark.StringType(),
    "boolean": spark.BooleanType(),
    "int": spark.IntegerType(),
    "long": spark.LongType(),
    "float": spark.FloatType(),
    "double": spark.DoubleType(),
    "date": spark.DateType(),
    "timestamp": spark.TimestampType(),
    "binary": spark.BinaryType(),
    "json": spark.StringType(),
}

# Text and binary (as hex text) take the widest VARCHAR; longer values are quarantined by the build.
VARCHAR_BYTES = 65_535


def _redshift_types() -> Mapping[str, str]:
    text = resources.files(__package__).joinpath("type_map.json").read_text(encoding="utf-8")
    return {kind: rule["redshift"] for kind, rule in json.loads(text).items()}


# By the kinds of types, in the file that the catalog reads too.
_REDSHIFT = _redshift_types()


def spark_type(column_type: ColumnType) -> spark.DataType:
    """The Spark (and so the Iceberg) type of a column."""
    match column_type:
        case Scalar(name):
            return _SPARK[name]
        case DecimalType(precision, scale):
            return spark.DecimalType(precision, scale)
        case EpochSeconds():
            return spark.TimestampType()
        case ListType(element):
            return spark.ArrayType(spark_type(element))
        case MapType(value):
            return spark.MapType(spark.StringType(), spark_type(value))
        case StructType(fields):
            return spark.StructType(
                [spark.StructField(field.name, spark_type(field.type)) for field in fields]
            )


def redshift_type(column_type: ColumnType) -> str:
    """The type of a column in the warehouse."""
    match column_type:
        case Scalar(name):
            return _REDSHIFT[name]
        case DecimalType(precision, scale):
            text = _REDSHIFT["decimal"]
            return text.replace("{precision}", str(precision)).replace("{scale}", str(scale))
        case EpochSeconds():
            return _REDSHIFT["epoch_seconds"]
        case ListType():
            return _REDSHIFT["list"]
        case MapType():
            return _REDSHIFT["map"]
        case StructType():
            return _REDSHIFT["struct"]


def is_nested(column_type: ColumnType) -> bool:
    """True for lists, maps and structs, which the warehouse takes as JSON text."""
    return isinstance(column_type, ListType | MapType | StructType)
