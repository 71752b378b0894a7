"""Checks of what is written but not yet published."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice_build.contract.column_types import VARCHAR_BYTES, Scalar
from sluice_build.contract.errors import TableFailed, cause
from sluice_build.lake.iceberg import quoted
from sluice_build.stores.catalog import Entry


@dataclass(frozen=True)
class CheckResult:
    """How many bad rows a check found."""

    name: str
    severity: Literal["error", "warn"]
    bad_rows: int


def run_checks(entry: Entry, live: DataFrame) -> list[CheckResult]:
    """Run the declared checks, and those that hold for each table, in one scan of the live rows."""
    predicates: list[tuple[str, Literal["error", "warn"], Column]] = [
        ("key is not null", "error", _any(F.col(quoted(name)).isNull() for name in entry.key))
    ]
    if entry.kind == "model" and entry.published:
        predicates.append(("text fits the warehouse", "error", _too_long(entry)))
    for check in entry.checks:
        try:
            live.where(check.bad_rows)
        except Exception as error:
            raise TableFailed(
                f"{entry.name}: check {check.name} cannot run: its badRows "
                f"({check.bad_rows}) is not a predicate over the columns: {cause(error)}"
            ) from error
        predicates.append((check.name, check.severity, F.expr(check.bad_rows)))
    counts = [F.count(F.when(predicate, 1)) for _, _, predicate in predicates]
    row = live.agg(*[count.alias(f"c{index}") for index, count in enumerate(counts)]).first()
    assert row is not None
    return [
        CheckResult(name, severity, int(row[index]))
        for index, (name, severity, _) in enumerate(predicates)
    ]


def check_unique(entry: Entry, rows: DataFrame, touched: DataFrame | None) -> CheckResult:
    """Count the keys that more than one row has, among those touched or all."""
    keys = rows.select(*[quoted(name) for name in entry.key])
    if touched is not None:
        keys = keys.join(touched.select(*keys.columns), list(entry.key), "left_semi")
    counted = keys.groupBy(*[quoted(name) for name in entry.key]).agg(F.count("*").alias("_rows"))
    return CheckResult("key is unique", "error", counted.where("_rows > 1").count())


def reject_bad(entry: Entry, results: Sequence[CheckResult]) -> None:
    """Raise TableFailed if a check of severity error found bad rows."""
    bad = [item for item in results if item.severity == "error" and item.bad_rows > 0]
    if bad:
        failed = "; ".join(f"check {item.name}: {item.bad_rows} bad rows" for item in bad)
        raise TableFailed(
            f"{entry.name}: {failed}. Readers keep the last good rows; fix the data at its source "
            "or the check, and run again"
        )


def _any(conditions: Iterable[Column]) -> Column:
    result = F.lit(False)
    for condition in conditions:
        result = result | condition
    return result


def _too_long(entry: Entry) -> Column:
    texts = [
        F.octet_length(quoted(column.name)) > VARCHAR_BYTES // (2 if binary else 1)
        for column in entry.columns
        for binary in [column.type == Scalar("binary")]
        if binary or column.type == Scalar("string")
    ]
    return _any([F.coalesce(text, F.lit(False)) for text in texts])
