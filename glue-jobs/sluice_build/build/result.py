"""What a build reports: one record per table in `runs/<run>/build.json`."""

from dataclasses import dataclass, field
from typing import Literal

from sluice_build.build.checks import CheckResult
from sluice_build.contract.column_types import Json

Status = Literal["built", "unchanged", "failed", "skipped", "held"]


@dataclass
class TableResult:
    """What happened to one table or model; filled in as the build goes on."""

    table: str
    kind: Literal["table", "model"]
    status: Status = "unchanged"
    manifests: tuple[int, int] | None = None
    rows_read: int = 0
    winners: int = 0
    deletes: int = 0
    held_deletes: int = 0
    late_rows: int = 0
    quarantined: int = 0
    content_id: str | None = None
    seconds: float = 0.0
    error: str | None = None
    checks: list[CheckResult] = field(default_factory=list)

    def to_json(self) -> Json:
        """The record as the protocol has it."""
        record: dict[str, Json] = {
            "table": self.table,
            "kind": self.kind,
            "status": self.status,
            "manifests": None if self.manifests is None else list(self.manifests),
            "rowsRead": self.rows_read,
            "winners": self.winners,
            "deletes": self.deletes,
            "heldDeletes": self.held_deletes,
            "lateRows": self.late_rows,
            "quarantined": self.quarantined,
            "contentId": self.content_id,
            "seconds": round(self.seconds, 3),
            "checks": [
                {"name": item.name, "severity": item.severity, "badRows": item.bad_rows}
                for item in self.checks
            ],
        }
        return record if self.error is None else {**record, "error": self.error}
