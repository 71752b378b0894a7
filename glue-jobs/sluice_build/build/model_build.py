"""Builds one model: script run over its inputs, checked, written as a replace delta, published."""

from collections.abc import Mapping

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sluice_build.build.checks import check_unique, reject_bad, run_checks
from sluice_build.build.job import Content, Job
from sluice_build.build.log import LOGGER
from sluice_build.build.models import run_model
from sluice_build.build.result import TableResult
from sluice_build.contract.errors import TableFailed
from sluice_build.lake.delta import Delta, write_delta
from sluice_build.lake.evolve import evolve
from sluice_build.lake.fit import live_rows, selected
from sluice_build.lake.iceberg import LakeTable
from sluice_build.lake.merge import row_text
from sluice_build.lake.tags import Applied, model_fingerprint, model_tag
from sluice_build.stores.catalog import ModelDefinition
from sluice_build.stores.ledger import ReplaceRequest


def build_model(
    job: Job,
    spark: SparkSession,
    definition: ModelDefinition,
    inputs: Mapping[str, Content],
    result: TableResult,
) -> None:
    """Bring a model up to its definition and its inputs, and fill in what happened.

    Raises TableFailed, or what Spark raises.
    """
    name = definition.name
    table = LakeTable(spark, job.deployment, name)
    if not table.exists():
        table.create(definition)
    job.after_step(name, "created")
    table.ensure_snapshot()
    applied = table.applied()
    requested = job.ledger.replace_request(name) if definition.published else None
    wanted = model_fingerprint(
        definition.fingerprint, {item: content.content_id for item, content in inputs.items()}
    )
    current = applied is not None and wanted in applied.fingerprints
    result.content_id = None if applied is None else applied.content_id
    if current and requested is None:
        LOGGER.info("up to date")
        return
    if current and applied is not None:
        rows = live_rows(table.rows(table.head()), definition)
        _write_delta(job, definition, Delta("replace", applied.content_id, None, 0), rows)
        result.status = "built"
    else:
        _rebuild(job, spark, definition, inputs, result, table, applied, wanted, requested)
    if requested is not None and result.content_id is not None:
        job.ledger.note_replace_written(name, requested, result.content_id, job.run)


def _rebuild(
    job: Job,
    spark: SparkSession,
    definition: ModelDefinition,
    inputs: Mapping[str, Content],
    result: TableResult,
    table: LakeTable,
    applied: Applied | None,
    wanted: str,
    requested: ReplaceRequest | None,
) -> None:
    name = definition.name
    changes = evolve(spark, definition, table)
    job.after_step(name, "evolved")
    head = table.head()
    views = {
        item: live_rows(
            LakeTable(spark, job.deployment, item).rows(content.snapshot), content.entry
        )
        for item, content in inputs.items()
    }
    script = job.bucket.read_uri(definition.script)
    rows = run_model(spark, definition, script, views).persist(StorageLevel.DISK_ONLY)
    try:
        result.winners = rows.count()
        LOGGER.info(f"{result.winners:,} rows from {', '.join(inputs)}")
        job.after_step(name, "winners")
        same = (
            applied is not None
            and not changes
            and requested is None
            and _content(rows) == _content(live_rows(table.rows(head), definition))
        )
        if same and applied is not None:
            table.retag(model_tag(wanted, applied.content_id))
            result.winners = 0
            LOGGER.info(f"the same rows as before, content {applied.content_id}")
            return
        table.start_branch(head)
        job.after_step(name, "branched")
        selected(rows, table.schema()).writeTo(table.branch).overwrite(F.lit(True))
    finally:
        rows.unpersist()
    job.after_step(name, "merged")
    live = live_rows(table.branch_rows(), definition)
    result.checks = [check_unique(definition, live, None), *run_checks(definition, live)]
    try:
        reject_bad(definition, result.checks)
    except TableFailed:
        table.drop_branch()
        raise
    job.after_step(name, "checked")
    content_id = str(table.head("build"))
    parent = None if applied is None else applied.content_id
    _write_delta(job, definition, Delta("replace", content_id, parent, 0), live)
    job.after_step(name, "delta")
    table.publish(model_tag(wanted, content_id))
    job.after_step(name, "published")
    result.status, result.content_id = "built", content_id
    LOGGER.info(f"content {content_id}")


def _content(rows: DataFrame) -> tuple[object, ...]:
    """A number for the rows as a set: equal for equal rows in whatever order."""
    text = row_text(rows.columns)
    hashes = [F.xxhash64(text), F.xxhash64(F.lit("sluice"), text)]
    found = rows.agg(
        F.count("*"), *[F.sum(value.cast("decimal(38,0)")) for value in hashes]
    ).first()
    assert found is not None
    return tuple(found)


def _write_delta(job: Job, definition: ModelDefinition, delta: Delta, rows: DataFrame) -> None:
    if definition.published:
        folder = job.folder(definition.name, "rows")
        count = write_delta(job.bucket, job.run, definition, delta, rows, folder)
        LOGGER.info(f"delta {delta.kind}: {count:,} rows")
