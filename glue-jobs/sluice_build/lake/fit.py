"""Selects that make rows of one schema into rows of another: the lake's, or the declared one."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as t

from sluice_build.contract.column_types import spark_type
from sluice_build.lake.iceberg import quoted
from sluice_build.stores.catalog import Entry


def fitted(value: Column, given: t.DataType, wanted: t.DataType) -> Column:
    """A value of type `given` as `wanted`: fields that it lacks are null, others are left out."""
    if given == wanted:
        return value
    if isinstance(given, t.StructType) and isinstance(wanted, t.StructType):
        known = {field.name: field.dataType for field in given}
        fields = [
            fitted(value[field.name], known[field.name], field.dataType).alias(field.name)
            if field.name in known
            else F.lit(None).cast(field.dataType).alias(field.name)
            for field in wanted
        ]
        return F.when(value.isNotNull(), F.struct(*fields)).cast(wanted)
    if isinstance(given, t.ArrayType) and isinstance(wanted, t.ArrayType):
        inner, outer = given.elementType, wanted.elementType
        return F.transform(value, lambda item: fitted(item, inner, outer)).cast(wanted)
    if isinstance(given, t.MapType) and isinstance(wanted, t.MapType):
        inner, outer = given.valueType, wanted.valueType
        return F.transform_values(value, lambda _, item: fitted(item, inner, outer)).cast(wanted)
    return value.cast(wanted)


def selected(rows: DataFrame, wanted: t.StructType) -> DataFrame:
    """The columns of `wanted`, in its order; what the rows do not have is null."""
    given: Mapping[str, t.DataType] = {field.name: field.dataType for field in rows.schema}
    return rows.select(
        [
            fitted(F.col(quoted(field.name)), given[field.name], field.dataType).alias(field.name)
            if field.name in given
            else F.lit(None).cast(field.dataType).alias(field.name)
            for field in wanted
        ]
    )


def declared_schema(entry: Entry) -> t.StructType:
    """The declared columns as a Spark schema."""
    return t.StructType([t.StructField(c.name, spark_type(c.type)) for c in entry.columns])


def live_rows(rows: DataFrame, entry: Entry) -> DataFrame:
    """The live rows with exactly the declared columns and types."""
    live = rows.where("not _tombstone") if entry.kind == "table" else rows
    return selected(live, declared_schema(entry))
