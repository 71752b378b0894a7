"""What every step of one build shares."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import SparkSession

from sluice_build.lake.iceberg import LakeTable
from sluice_build.lake.tags import Applied
from sluice_build.stores.catalog import Entry
from sluice_build.stores.ledger import Ledger
from sluice_build.stores.storage import Bucket


def nothing_more(table: str, step: str) -> None:
    """The default for `after_step`."""


@dataclass(frozen=True)
class Job:
    """One build: where it reads and writes.

    `after_step` is called with each durable step of each table; tests stop a build there.
    """

    deployment: str
    run: str
    attempt: str
    bucket: Bucket
    ledger: Ledger
    after_step: Callable[[str, str], None] = nothing_more

    def folder(self, table: str, part: str) -> str:
        """Where this attempt writes Parquet of a table."""
        return f"deltas/{table}/{self.attempt}/{part}"


@dataclass(frozen=True)
class Content:
    """A table or model as it can be read: its content id, and a snapshot with that content.

    `applied` and `metadata`, the address of the metadata file, are of the same state of the table.
    """

    entry: Entry
    content_id: str
    snapshot: int
    applied: Applied
    metadata: str


def present_content(job: Job, spark: SparkSession, entry: Entry) -> Content | None:
    """What readers see of an entry now; None if it was never built."""
    table = LakeTable(spark, job.deployment, entry.name)
    if not table.exists():
        return None
    state = table.state()
    if state.applied is None:
        return None
    return Content(entry, state.applied.content_id, state.head, state.applied, state.metadata)
