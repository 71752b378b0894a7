"""A Spark job that uses what a build uses, so that Java loads the classes that a build needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

_TABLE = "lake.training.rows"
_BRANCH = f"{_TABLE}.`branch_build`"
_FILES = "s3://training/files"
_SCHEMA = "key long, name string, at timestamp, price decimal(10,2), tags array<string>"
_EXPRESSIONS = (
    "id as key",
    "concat('name ', id) as name",
    "timestamp_micros(id) as at",
    "cast(id as decimal(10,2)) as price",
    "array('a', null) as tags",
)


def _same(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


def _iceberg(spark: SparkSession) -> Any:  # noqa: ANN401
    jvm: Any = spark._jvm
    table = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, _TABLE)
    table.refresh()
    return table


def main() -> None:
    """Read, write, merge and publish a few rows."""
    spark = SparkSession.builder.getOrCreate().newSession()
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {_TABLE} ({_SCHEMA}, hash string) USING iceberg "
        "PARTITIONED BY (days(at)) TBLPROPERTIES ('format-version'='2', "
        "'write.merge.mode'='copy-on-write')"
    )
    _iceberg(spark).newFastAppend().commit()
    rows = spark.range(0, 100, 1, 1).selectExpr(*_EXPRESSIONS).mapInArrow(_same, _SCHEMA)
    staged = rows.persist(StorageLevel.DISK_ONLY)
    staged.agg(F.count("*"), F.sum("key")).first()
    order = Window.partitionBy("key").orderBy(F.col("at").desc())
    text = F.to_json(F.struct("name", "at", "price", "tags"))
    latest = (
        staged.withColumn("rank", F.row_number().over(order))
        .where("rank = 1")
        .withColumn("hash", F.sha2(text, 256))
        .drop("rank")
    )
    for _ in range(2):
        head = _iceberg(spark).currentSnapshot().snapshotId()
        lake = spark.read.option("snapshot-id", head).table(_TABLE)
        touched = lake.join(staged.select("key"), ["key"], "left_semi").select(
            "key", F.struct("hash").alias("lake")
        )
        changed = latest.join(touched, ["key"], "left").where(F.col("lake").isNull()).drop("lake")
        changed.write.mode("overwrite").parquet(_FILES)
        written = spark.read.schema(changed.schema).parquet(_FILES)
        written.agg(F.count("*")).first()
        _iceberg(spark).manageSnapshots().createBranch("build", head).commit()
        written.createOrReplaceTempView("changed")
        spark.sql(
            f"MERGE INTO {_BRANCH} t USING changed s ON t.key = s.key "
            "WHEN MATCHED THEN UPDATE SET t.name = s.name WHEN NOT MATCHED THEN INSERT *"
        )
        spark.table(_BRANCH).groupBy("key").count().where("count > 1").limit(3).collect()
        spark.read.parquet(_FILES).groupBy("_metadata.file_path").count().orderBy(
            "file_path"
        ).collect()
        update = _iceberg(spark).manageSnapshots()
        update.fastForwardBranch("main", "build").removeBranch("build").commit()
    spark.sql(f"ALTER TABLE {_TABLE} ADD COLUMN more string")
    spark.stop()


main()
