"""Which staged rows win against the lake, and the MERGE that brings them in."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sluice_build.lake.iceberg import META_COLUMNS, LakeTable, key_equality, quoted
from sluice_build.stores.catalog import TableDefinition

# Every detail of a value counts, so timestamps are written with their microseconds.
_HASH_OPTIONS = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'",
    "dateFormat": "yyyy-MM-dd",
}


def row_text(names: Sequence[str]) -> Column:
    """A row as JSON text that is equal for equal rows. Nulls are left out: a new column that is
    null, and a widened number, leave the text as it was.
    """
    return F.to_json(F.struct(*[F.col(quoted(name)) for name in names]), _HASH_OPTIONS)


def latest(staged: DataFrame, definition: TableDefinition) -> DataFrame:
    """The last version of each key among staged upserts, as rows of the lake.

    Of equal versions the later observation wins, then the later object and line.
    """
    order = Window.partitionBy(*[quoted(name) for name in definition.key]).orderBy(
        F.col("_version").desc(),
        F.col("_observed_at").desc(),
        F.col("_object").desc(),
        F.col("_line").desc(),
    )
    content = F.when(~F.col("_tombstone"), F.sha2(row_text(definition.column_names), 256))
    return (
        staged.where("_op = 'upsert'")
        .withColumn("_rank", F.row_number().over(order))
        .where("_rank = 1")
        .withColumn("_hash", content)
        .select(*[quoted(name) for name in definition.column_names], *META_COLUMNS)
    )


def winners(last: DataFrame, staged: DataFrame, lake: DataFrame, key: Sequence[str]) -> DataFrame:
    """The rows of `last`, the latest of `staged`, that change the lake.

    A row wins over none, and over an older one that differs. The tombstone of a missing row has no
    version: it says that the key was gone at a time, so what was observed since then wins.
    """
    names = [quoted(name) for name in key]
    touched = lake.join(staged.select(*names), list(key), "left_semi").select(
        *names, F.struct(*META_COLUMNS).alias("_lake")
    )
    newer = (
        F.when(F.col("_lake._version").isNull(), _at_or_after())
        .when(F.col("_version") == F.col("_lake._version"), _after())
        .otherwise(F.col("_version") > F.col("_lake._version"))
    )
    differs = (~F.col("_hash").eqNullSafe(F.col("_lake._hash"))) | (
        F.col("_tombstone") != F.col("_lake._tombstone")
    )
    return (
        last.join(touched, list(key), "left")
        .where(F.col("_lake").isNull() | (newer & differs))
        .select(*last.columns)
    )


def _after() -> Column:
    return F.col("_observed_at") > F.col("_lake._observed_at")


def _at_or_after() -> Column:
    return F.col("_observed_at") >= F.col("_lake._observed_at")


def merge_into_branch(table: LakeTable, source: DataFrame, key: Sequence[str]) -> None:
    """Bring winners into the build's branch: update rows with their key, insert the others.

    Rows are found by the key alone. Partition columns outside the key may have changed, and a row
    looked for in its new partition only would become two.
    """
    source.createOrReplaceTempView("sluice_winners")
    assignments = ", ".join(
        f"t.{quoted(name)} = s.{quoted(name)}" for name in source.columns if name not in key
    )
    names = ", ".join(quoted(name) for name in source.columns)
    values = ", ".join(f"s.{quoted(name)}" for name in source.columns)
    table.spark.sql(
        f"MERGE INTO {table.branch} t USING sluice_winners s "
        f"ON {key_equality(key, 't', 's')} "
        f"WHEN MATCHED THEN UPDATE SET {assignments} "
        f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
    )
