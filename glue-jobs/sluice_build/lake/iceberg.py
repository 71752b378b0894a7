"""One Iceberg table of the lake: its state, and commits that are not rows (branch, tag, publish).

These go through Iceberg's own API instead of SQL, for there publishing is one commit: the tag, the
fast-forward of main and the removal of the branch become visible together or not at all.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from sluice_build.contract.column_types import spark_type
from sluice_build.lake.tags import Applied, is_ours, newest
from sluice_build.read.objects import VERSION_TYPE
from sluice_build.stores.catalog import Entry, Partition

BRANCH = "build"
META_COLUMNS = ("_tombstone", "_version", "_observed_at", "_hash")
_META_DDL = (
    "`_tombstone` boolean",
    f"`_version` {VERSION_TYPE.simpleString()}",
    "`_observed_at` timestamp",
    "`_hash` string",
)


def quoted(name: str) -> str:
    """An identifier of Spark SQL."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A text literal of Spark SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True)
class TableState:
    """A table as one metadata file has it; `metadata` is the file's address."""

    applied: Applied | None
    head: int
    metadata: str


class LakeTable:
    """A table of the lake by its name; nothing is read before it is asked for."""

    def __init__(self, spark: SparkSession, deployment: str, name: str) -> None:
        self.spark = spark
        self.name = f"lake.{quoted(f'{deployment}_lake')}.{quoted(name)}"
        self.branch = f"{self.name}.`branch_{BRANCH}`"

    def exists(self) -> bool:
        """True once the table is made."""
        return bool(self.spark.catalog.tableExists(self.name))

    def create(self, entry: Entry) -> None:
        """Make the table as declared, with one empty snapshot for branches to begin at."""
        columns = [
            f"{quoted(column.name)} {ddl(spark_type(column.type))}" for column in entry.columns
        ]
        if entry.kind == "table":
            columns += _META_DDL
        partitions = ", ".join(_transform(partition) for partition in entry.partitioning)
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join(columns)}) USING iceberg "
            + (f"PARTITIONED BY ({partitions}) " if partitions else "")
            + "TBLPROPERTIES ('format-version'='2', 'write.merge.mode'='copy-on-write', "
            "'write.update.mode'='copy-on-write', 'write.delete.mode'='copy-on-write', "
            "'write.metadata.delete-after-commit.enabled'='true', "
            f"'sluice.key'={literal(json.dumps(list(entry.key)))})"
        )

    @cached_property
    def _iceberg(self) -> Any:  # noqa: ANN401
        # Java looks for a class at each part of the name, in all of its jars.
        jvm: Any = self.spark._jvm
        return jvm.org.apache.iceberg.spark.Spark3Util

    def _table(self) -> Any:  # noqa: ANN401
        table = self._iceberg.loadIcebergTable(self.spark._jsparkSession, self.name)
        table.refresh()
        return table

    def ensure_snapshot(self) -> None:
        """Commit an empty snapshot where the table has none, as after a crash while making it."""
        table = self._table()
        if table.currentSnapshot() is None:
            table.newFastAppend().commit()

    def declared_key(self) -> list[str]:
        """The key that the table was made with."""
        text = self._table().properties().get("sluice.key")
        return [] if text is None else [str(column) for column in json.loads(text)]

    def head(self, branch: str = "main") -> int:
        """The id of a branch's newest snapshot."""
        return int(self._table().refs().get(branch).snapshotId())

    def is_empty(self, snapshot: int) -> bool:
        """True if a snapshot has no rows, by what its commit recorded."""
        return str(self._table().snapshot(snapshot).summary().get("total-records")) == "0"

    def applied(self) -> Applied | None:
        """What the tags in main's ancestry say is applied; None before the first build."""
        return self._applied(self._table())

    def state(self) -> TableState:
        """What is applied, main's newest snapshot and the metadata file, all of one moment.

        Raises a Java error if the table has no snapshot.
        """
        table = self._table()
        return TableState(
            self._applied(table),
            int(table.currentSnapshot().snapshotId()),
            str(table.operations().current().metadataFileLocation()),
        )

    def _applied(self, table: Any) -> Applied | None:  # noqa: ANN401
        tags: dict[int, list[str]] = {}
        refs = table.refs()
        for name in refs.keySet().toArray():
            if refs.get(name).isTag() and is_ours(name):
                tags.setdefault(int(refs.get(name).snapshotId()), []).append(str(name))
        return newest(_ancestry(table), tags) if tags else None

    def start_branch(self, head: int) -> None:
        """Begin the build's branch at main's head, in place of one that a crash left behind."""
        self.drop_branch()
        self._table().manageSnapshots().createBranch(BRANCH, head).commit()

    def drop_branch(self) -> None:
        """Remove the build's branch, if there is one."""
        table = self._table()
        if table.refs().containsKey(BRANCH):
            table.manageSnapshots().removeBranch(BRANCH).commit()

    def publish(self, tag: str) -> None:
        """Tag the branch's head and make it main's, in one commit; older tags go.

        Raises a Java error if main has moved since the branch began.
        """
        table = self._table()
        update = table.manageSnapshots()
        self._replace_tags(table, update, tag, int(table.refs().get(BRANCH).snapshotId()))
        update.fastForwardBranch("main", BRANCH).removeBranch(BRANCH).commit()

    def retag(self, tag: str) -> None:
        """Record on main's head that more is applied though no row changed."""
        table = self._table()
        update = table.manageSnapshots()
        self._replace_tags(table, update, tag, int(table.currentSnapshot().snapshotId()))
        update.commit()

    def _replace_tags(self, table: Any, update: Any, tag: str, snapshot: int) -> None:  # noqa: ANN401
        refs = table.refs()
        for name in refs.keySet().toArray():
            if refs.get(name).isTag() and is_ours(name) and name != tag:
                update.removeTag(name)
        if refs.containsKey(tag):
            update.replaceTag(tag, snapshot)
        else:
            update.createTag(tag, snapshot)

    def schema(self) -> StructType:
        """The table's present schema."""
        return self.spark.table(self.name).schema

    def rows(self, snapshot: int) -> DataFrame:
        """The table as of a snapshot, with the snapshot's own columns."""
        return self.spark.read.option("snapshot-id", snapshot).table(self.name)

    def branch_rows(self) -> DataFrame:
        """The rows of the build's branch."""
        return self.spark.table(self.branch)


def _ancestry(table: Any) -> Iterator[int]:  # noqa: ANN401
    snapshot = table.currentSnapshot()
    while snapshot is not None:
        yield int(snapshot.snapshotId())
        parent = snapshot.parentId()
        snapshot = None if parent is None else table.snapshot(parent)


def ddl(data_type: Any) -> str:  # noqa: ANN401
    """A Spark type as SQL text, with quoted field names."""
    match data_type.typeName():
        case "struct":
            fields = [f"{quoted(field.name)}: {ddl(field.dataType)}" for field in data_type]
            return f"struct<{', '.join(fields)}>"
        case "array":
            return f"array<{ddl(data_type.elementType)}>"
        case "map":
            return f"map<{ddl(data_type.keyType)}, {ddl(data_type.valueType)}>"
        case _:
            return str(data_type.simpleString())


def _transform(partition: Partition) -> str:
    column = quoted(partition.column)
    match partition.transform:
        case "identity":
            return column
        case "day":
            return f"days({column})"
        case "month":
            return f"months({column})"
        case int(buckets):
            return f"bucket({buckets}, {column})"


def key_equality(key: Sequence[str], left: str, right: str) -> str:
    """The condition that two rows have one key."""
    return " AND ".join(f"{left}.{quoted(name)} = {right}.{quoted(name)}" for name in key)
