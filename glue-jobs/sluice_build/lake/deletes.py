"""Deletes by a scan: keys that a completed pass did not see, although it would have."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice_build.contract.column_types import spark_type
from sluice_build.lake.iceberg import META_COLUMNS, quoted
from sluice_build.read.objects import VERSION_TYPE
from sluice_build.stores.catalog import TableDefinition


@dataclass(frozen=True)
class ScanKeys:
    """A completed pass: when it began, the keys it saw, and rows outside it that were seen since.

    `seen_after` has `_observed_at` with each key.
    """

    started_at_millis: int
    keys: DataFrame
    seen_after: DataFrame


def state_after(lake: DataFrame, winning: DataFrame, key: Sequence[str]) -> DataFrame:
    """The live keys with their observation, as if the winners were merged."""
    columns = [*[quoted(name) for name in key], "_observed_at"]
    kept = lake.where("not _tombstone").join(winning.select(*columns[:-1]), list(key), "left_anti")
    return kept.select(*columns).unionByName(winning.where("not _tombstone").select(*columns))


def missing(state: DataFrame, scans: Sequence[ScanKeys], key: Sequence[str]) -> DataFrame:
    """The keys that are gone, with `_observed_at` the beginning of the pass that missed them."""
    gone = [_missing_from(state, scan, key) for scan in scans]
    names = [quoted(name) for name in key]
    return (
        reduce(DataFrame.unionByName, gone)
        .groupBy(*names)
        .agg(F.max("_observed_at").alias("_observed_at"))
    )


def _missing_from(state: DataFrame, scan: ScanKeys, key: Sequence[str]) -> DataFrame:
    names = [quoted(name) for name in key]
    started = F.timestamp_millis(F.lit(scan.started_at_millis))
    seen_since = scan.seen_after.where(F.col("_observed_at") >= started)
    return (
        state.where(F.col("_observed_at") < started)
        .join(scan.keys.select(*names), list(key), "left_anti")
        .join(seen_since.select(*names), list(key), "left_anti")
        .select(*names, started.alias("_observed_at"))
    )


def tombstones(gone: DataFrame, definition: TableDefinition) -> DataFrame:
    """Rows of the lake for missing keys. They have no version, since nothing was read."""
    known = {**{name: quoted(name) for name in definition.key}}
    columns = [
        F.col(known[column.name])
        if column.name in known
        else F.lit(None).cast(spark_type(column.type)).alias(column.name)
        for column in definition.columns
    ]
    meta = {
        "_tombstone": F.lit(True),
        "_version": F.lit(None).cast(VERSION_TYPE),
        "_observed_at": F.col("_observed_at"),
        "_hash": F.lit(None).cast("string"),
    }
    return gone.select(*columns, *[meta[name].alias(name) for name in META_COLUMNS])


def with_tombstones(winning: DataFrame, dead: DataFrame, key: Sequence[str]) -> DataFrame:
    """The winners, where a missing key's tombstone takes the place of its row."""
    names = [quoted(name) for name in key]
    return (
        winning.join(dead.select(*names), list(key), "left_anti")
        .select(*[quoted(name) for name in winning.columns])
        .unionByName(dead)
    )


def too_many(gone: int, live: int, max_share: float) -> bool:
    """True if deleting so many of the live rows is more than the table allows at once."""
    return gone > max_share * live
