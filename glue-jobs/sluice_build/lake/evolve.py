"""Schema evolution: a lake table follows its definition as far as no row changes its meaning."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import SparkSession
from pyspark.sql import types as t

from sluice_build.contract.column_types import spark_type
from sluice_build.contract.errors import TableFailed
from sluice_build.lake.iceberg import LakeTable, ddl, quoted
from sluice_build.stores.catalog import Entry


@dataclass(frozen=True)
class Change:
    """One column or nested field to add, or to widen, to a type."""

    path: tuple[str, ...]
    kind: str
    type: t.DataType

    def sql(self, table: str) -> str:
        """The statement that makes the change."""
        column = ".".join(quoted(part) for part in self.path)
        if self.kind == "add":
            return f"ALTER TABLE {table} ADD COLUMN {column} {ddl(self.type)}"
        return f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {ddl(self.type)}"


def changes(entry: Entry, existing: t.StructType, existing_key: list[str]) -> list[Change]:
    """What has to change in the table so that the definition's rows fit.

    Raises TableFailed where it cannot: a type that does not widen, or another key.
    """
    if existing_key and existing_key != list(entry.key):
        raise TableFailed(
            f"{entry.name}: its key was {json.dumps(existing_key)} and is now "
            f"{json.dumps(list(entry.key))}; a lake table keeps its key: declare it back, or give "
            "the table with the new key another name"
        )
    known = {field.name: field.dataType for field in existing}
    found: list[Change] = []
    for column in entry.columns:
        declared = spark_type(column.type)
        if column.name in known:
            found += _differences(entry.name, (column.name,), known[column.name], declared)
        else:
            found.append(Change((column.name,), "add", declared))
    return found


def _differences(
    table: str, path: tuple[str, ...], old: t.DataType, new: t.DataType
) -> Iterator[Change]:
    if isinstance(old, t.StructType) and isinstance(new, t.StructType):
        known = {field.name: field.dataType for field in old}
        for field in new:
            if field.name in known:
                yield from _differences(
                    table, (*path, field.name), known[field.name], field.dataType
                )
            else:
                yield Change((*path, field.name), "add", field.dataType)
    elif isinstance(old, t.ArrayType) and isinstance(new, t.ArrayType):
        yield from _differences(table, (*path, "element"), old.elementType, new.elementType)
    elif isinstance(old, t.MapType) and isinstance(new, t.MapType):
        yield from _differences(table, (*path, "value"), old.valueType, new.valueType)
    elif old != new:
        if not widens(old, new):
            raise TableFailed(
                f"{table}: column {'.'.join(path)} is {ddl(old)} in the lake and declared "
                f"{ddl(new)}; only int to long, float to double and a wider decimal of the same "
                "scale can follow: declare it back, or add a column of another name"
            )
        yield Change(path, "widen", new)


def widens(old: t.DataType, new: t.DataType) -> bool:
    """True if Iceberg can promote a column's type without touching its files."""
    if isinstance(old, t.DecimalType) and isinstance(new, t.DecimalType):
        return old.scale == new.scale and old.precision < new.precision
    pair = (type(old), type(new))
    return pair in ((t.IntegerType, t.LongType), (t.FloatType, t.DoubleType))


def evolve(spark: SparkSession, entry: Entry, table: LakeTable) -> list[Change]:
    """Make the table follow its definition; gives what was changed."""
    needed = changes(entry, table.schema(), table.declared_key())
    for change in needed:
        spark.sql(change.sql(table.name))
    return needed
