"""Builds one table: manifests in, winners merged, checked, written as a delta, published."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sluice_build.build.checks import check_unique, reject_bad, run_checks
from sluice_build.build.job import Job
from sluice_build.build.log import LOGGER
from sluice_build.build.plan import up_to_date
from sluice_build.build.result import TableResult
from sluice_build.contract.errors import TableFailed
from sluice_build.lake import deletes, merge
from sluice_build.lake.delta import Delta, write_delta
from sluice_build.lake.evolve import evolve
from sluice_build.lake.fit import live_rows, selected
from sluice_build.lake.iceberg import LakeTable, quoted
from sluice_build.lake.tags import Applied, table_tag
from sluice_build.read.manifests import (
    Manifest,
    ObjectRecord,
    objects_of,
    read_manifests,
    seen_after,
)
from sluice_build.read.objects import read_objects
from sluice_build.stores.catalog import TableDefinition
from sluice_build.stores.ledger import ReplaceRequest


def build_table(
    job: Job, spark: SparkSession, definition: TableDefinition, result: TableResult
) -> None:
    """Bring a table up to its ledger and its definition, and fill in what happened.

    Nothing that readers see changes before the last step; after a crash the next build does the
    same again. Raises TableFailed, or what Spark raises.
    """
    _TableBuild(job, spark, definition, result).build()


@dataclass(frozen=True)
class _Staged:
    """The lines of the manifests' objects, kept on disk."""

    rows: DataFrame
    objects: Sequence[ObjectRecord]


class _TableBuild:
    def __init__(
        self, job: Job, spark: SparkSession, definition: TableDefinition, result: TableResult
    ) -> None:
        self.job = job
        self.spark = spark
        self.definition = definition
        self.result = result
        self.table = LakeTable(spark, job.deployment, definition.name)
        self.kept: list[DataFrame] = []

    def build(self) -> None:
        name = self.definition.name
        if not self.table.exists():
            self.table.create(self.definition)
        self._done("created")
        self.table.ensure_snapshot()
        applied = self.table.applied()
        through = 0 if applied is None else applied.through
        last = self.job.ledger.last_manifest(name)
        if last < through:
            raise TableFailed(
                f"{name} has manifest {through} applied, the ledger knows {last}: restore the "
                "ledger, or drop the lake table to build it again"
            )
        requested = self.job.ledger.replace_request(name) if self.definition.published else None
        known = frozenset[str]() if applied is None else applied.fingerprints
        self.result.content_id = None if applied is None else applied.content_id
        if (
            applied is not None
            and requested is None
            and up_to_date(through, last, self.definition.fingerprint, known)
        ):
            LOGGER.info("up to date")
            return
        for change in evolve(self.spark, self.definition, self.table):
            LOGGER.info(f"column {'.'.join(change.path)}: {change.kind}")
        self._done("evolved")
        try:
            self._apply(applied, through, last, requested)
        finally:
            for kept in self.kept:
                kept.unpersist()
        self.job.bucket.delete_folder(self.job.folder(name, "typed"))
        if requested is not None and self.result.content_id is not None:
            self.job.ledger.note_replace_written(
                name, requested, self.result.content_id, self.job.run
            )

    def _apply(
        self, applied: Applied | None, through: int, last: int, requested: ReplaceRequest | None
    ) -> None:
        definition, result = self.definition, self.result
        head = self.table.head()
        manifests = read_manifests(self.job.ledger, self.job.bucket, definition.name, through, last)
        result.manifests = (through + 1, last) if manifests else None
        staged = self._stage(manifests)
        # Decided by the rows, not by the tags: rows without a tag must not be appended to.
        empty = self.table.is_empty(head)
        changed = self._winners(manifests, staged, head, empty)
        self._done("winners")
        whole = applied is None or requested is not None
        if changed is None:
            content_id = str(head) if applied is None else applied.content_id
            if whole:
                rows = live_rows(self.table.rows(head), definition)
                self._write_delta(Delta("replace", content_id, None, 0), rows)
            self.table.retag(table_tag(last, definition.fingerprint, content_id))
            result.status = "built" if whole else "unchanged"
        else:
            content_id = self._publish(applied, changed, head, last, empty, whole)
            result.status = "built"
        result.content_id = content_id
        if result.held_deletes:
            result.status = "held"
        self._done("published")
        LOGGER.info(f"manifest {last} applied, content {content_id}")

    def _publish(
        self,
        applied: Applied | None,
        changed: DataFrame,
        head: int,
        last: int,
        empty: bool,
        whole: bool,
    ) -> str:
        definition, table = self.definition, self.table
        table.start_branch(head)
        self._done("branched")
        if empty:
            changed.writeTo(table.branch).append()
        else:
            merge.merge_into_branch(table, changed, definition.key)
        self._done("merged")
        written = table.branch_rows()
        live = live_rows(written, definition)
        self.result.checks = [
            check_unique(definition, written, changed),
            *run_checks(definition, live),
        ]
        try:
            reject_bad(definition, self.result.checks)
        except TableFailed:
            table.drop_branch()
            raise
        self._done("checked")
        content_id = str(table.head("build"))
        parent = None if applied is None else applied.content_id
        if whole:
            self._write_delta(Delta("replace", content_id, parent, 0), live)
        else:
            dead = self.result.deletes
            self._write_delta(Delta("merge", content_id, parent, dead), changed)
        self._done("delta")
        table.publish(table_tag(last, definition.fingerprint, content_id))
        return content_id

    def _stage(self, manifests: Sequence[Manifest]) -> _Staged:
        """Read the new objects once; count what was read and what went to quarantine."""
        objects = [item for manifest in manifests for item in manifest.objects]
        rows = read_objects(self.spark, self.job.bucket.name, self.definition, objects)
        if not objects:
            return _Staged(rows, objects)
        rows = self._keep(rows)
        counts = (
            rows.where("_op = 'object'")
            .agg(F.count("*"), F.sum("_line"), F.sum("_rejected"))
            .first()
        )
        assert counts is not None
        expected = sum(item.rows for item in objects)
        if (int(counts[0]), int(counts[1])) != (len(objects), expected):
            raise TableFailed(
                f"{self.definition.name}: {counts[1]} lines of {counts[0]} objects were read, the "
                f"manifests say {expected} of {len(objects)}; run again"
            )
        self.result.rows_read = int(counts[1])
        self.result.quarantined = int(counts[2])
        LOGGER.info(
            f"{len(manifests)} manifests, {expected:,} rows read"
            + (f", {self.result.quarantined:,} quarantined" if self.result.quarantined else ""),
        )
        return _Staged(rows, objects)

    def _winners(
        self, manifests: Sequence[Manifest], staged: _Staged, head: int, empty: bool
    ) -> DataFrame | None:
        """The rows that change the lake, written as typed Parquet and read back; None if none.

        Computed once, against the pinned head: what the MERGE and the delta take is the same.
        """
        definition, key = self.definition, self.definition.key
        if not staged.objects and not any(manifest.scans for manifest in manifests):
            return None
        lake = self.table.rows(head)
        winning = merge.latest(staged.rows, definition)
        if not empty:
            winning = merge.winners(winning, staged.rows, lake, key)
            self.result.late_rows = self._late(staged, winning)
        gone = self._missing(manifests, staged, lake, winning)
        if gone is not None:
            dead = deletes.tombstones(gone, definition)
            winning = deletes.with_tombstones(winning, dead, key)
        uri = self.job.bucket.uri(self.job.folder(definition.name, "typed"))
        typed = selected(winning, self.table.schema())
        typed.write.mode("overwrite").parquet(uri)
        written = self.spark.read.schema(typed.schema).parquet(uri)
        counts = written.agg(F.count("*"), F.count(F.when(F.col("_tombstone"), 1))).first()
        assert counts is not None
        self.result.winners, self.result.deletes = int(counts[0]), int(counts[1])
        LOGGER.info(
            f"{self.result.winners:,} winners, {self.result.deletes:,} of them deletes",
        )
        return written if self.result.winners else None

    def _late(self, staged: _Staged, winning: DataFrame) -> int:
        """How many winners only the reading of past rows has brought."""
        late = [index for index, item in enumerate(staged.objects) if item.reads_past_rows]
        if not late:
            return 0
        version = [*self.definition.key, "_version"]
        upserts = staged.rows.where("_op = 'upsert'")
        is_late = F.col("_object").isin(late)
        in_time = upserts.where(~is_late).select(*map(quoted, version))
        only_late = upserts.where(is_late).select(*map(quoted, version))
        only_late = only_late.join(in_time, version, "left_anti")
        count = winning.join(only_late, version, "left_semi").count()
        LOGGER.info(f"{count:,} rows came later than the overlap")
        return count

    def _missing(
        self,
        manifests: Sequence[Manifest],
        staged: _Staged,
        lake: DataFrame,
        winning: DataFrame,
    ) -> DataFrame | None:
        """Keys that completed passes missed; None when there are none or they are held back."""
        definition, key = self.definition, self.definition.key
        scans = [scan for manifest in manifests for scan in manifest.scans]
        if not scans:
            return None
        since = min(scan.since_manifest for scan in scans)
        through = manifests[-1].number
        older = read_manifests(
            self.job.ledger, self.job.bucket, definition.name, since, manifests[0].number - 1
        )
        history = [*older, *(manifest for manifest in manifests if manifest.number > since)]
        index = {item.key: position for position, item in enumerate(staged.objects)}
        read: list[deletes.ScanKeys] = []
        unreadable = 0
        for scan in scans:
            own = objects_of(scan, [*history, *manifests])
            keys = self._lines_of(own, index, staged)
            unreadable += keys.where("_op = 'rejected' and _observed_at is null").count()
            later = self._lines_of(seen_after(scan, history), index, staged)
            read.append(deletes.ScanKeys(scan.started_at_millis, keys, later.where("_op <> 'key'")))
        winning = self._keep(winning)
        state = self._keep(deletes.state_after(lake, winning, key))
        gone = self._keep(deletes.missing(state, read, key))
        gone_rows, live_count = gone.count(), state.count()
        if gone_rows == 0:
            return None
        names = ", ".join(scan.pass_id for scan in scans)
        if unreadable or deletes.too_many(gone_rows, live_count, definition.max_share):
            self.result.held_deletes = gone_rows
            reason = (
                f"{unreadable} lines of the pass could not be read"
                if unreadable
                else f"maxShare is {definition.max_share}"
            )
            LOGGER.info(
                f"{gone_rows:,} deletes of {live_count:,} live rows held back ({reason}; {names}, "
                f"manifest {through})",
            )
            return None
        return gone

    def _lines_of(
        self, objects: Sequence[ObjectRecord], index: dict[str, int], staged: _Staged
    ) -> DataFrame:
        """Keys in objects: from what is staged, and read again where that is long applied."""
        columns = ["_op", "_observed_at", *[quoted(name) for name in self.definition.key]]
        here = [index[item.key] for item in objects if item.key in index]
        there = [item for item in objects if item.key not in index]
        rows = staged.rows.where(F.col("_object").isin(here)).select(*columns)
        if there:
            read = read_objects(
                self.spark, self.job.bucket.name, self.definition, there, keys_only=True
            )
            rows = rows.unionByName(self._keep(read).select(*columns))
        return rows.where("_op <> 'object'")

    def _write_delta(self, delta: Delta, rows: DataFrame) -> None:
        if not self.definition.published:
            return
        folder = self.job.folder(self.definition.name, "rows")
        count = write_delta(self.job.bucket, self.job.run, self.definition, delta, rows, folder)
        LOGGER.info(f"delta {delta.kind}: {count:,} rows")

    def _keep(self, rows: DataFrame) -> DataFrame:
        kept = rows.persist(StorageLevel.DISK_ONLY)
        self.kept.append(kept)
        return kept

    def _done(self, step: str) -> None:
        self.job.after_step(self.definition.name, step)
