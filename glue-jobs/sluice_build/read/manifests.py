"""Manifests: what is to be applied, and which objects a completed pass consists of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sluice_build.contract.errors import TableFailed
from sluice_build.stores.ledger import Ledger
from sluice_build.stores.storage import Bucket


@dataclass(frozen=True)
class ObjectRecord:
    """An object that counts, and the manifest that it came in."""

    key: str
    etag: str
    rows: int
    bytes: int
    op: Literal["upsert", "key"]
    observed_to_millis: int
    manifest: int
    pass_id: str

    @property
    def reads_past_rows(self) -> bool:
        """Whether it comes from reading a past window again, for what came after its reading."""
        return self.pass_id.startswith("late-")


@dataclass(frozen=True)
class CompletedPass:
    """A finished reading of the whole table; a key in none of its objects is gone."""

    pass_id: str
    started_at_millis: int
    since_manifest: int
    objects: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """One commit; `scans` are the completed passes from which deletes are concluded."""

    number: int
    objects: tuple[ObjectRecord, ...]
    scans: tuple[CompletedPass, ...]


def parse_manifest(value: Any, table: str, number: int) -> Manifest:  # noqa: ANN401
    """A manifest from its JSON document; raises TableFailed if it is another's or unknown."""
    found = (value.get("format"), value.get("table"), value.get("number"))
    if found != (1, table, number):
        raise TableFailed(
            f"manifest {number} of {table} says format, table and number are {found}: deploy "
            "functions and build together, or restore the manifest"
        )
    return Manifest(
        number=number,
        objects=tuple(
            ObjectRecord(
                item["key"],
                item["etag"],
                item["rows"],
                item["bytes"],
                item["op"],
                item["observedTo"],
                number,
                item["pass"],
            )
            for item in value["objects"]
        ),
        scans=tuple(
            CompletedPass(
                item["pass"], item["startedAt"], item["sinceManifest"], tuple(item["objects"])
            )
            for item in value["completed"]
            if item["findsDeletes"]
        ),
    )


def read_manifests(
    ledger: Ledger, bucket: Bucket, table: str, after: int, through: int
) -> list[Manifest]:
    """Manifests `after`+1 … `through` of a table, in order."""
    return [
        parse_manifest(bucket.read_json(record.key, record.etag), table, record.number)
        for record in ledger.manifests(table, after, through)
    ]


def objects_of(scan: CompletedPass, manifests: Iterable[Manifest]) -> list[ObjectRecord]:
    """The records of all objects of a completed pass.

    Raises TableFailed when one is in no manifest: then no delete may be concluded.
    """
    known = {item.key: item for manifest in manifests for item in manifest.objects}
    missing = [key for key in scan.objects if key not in known]
    if missing:
        raise TableFailed(
            f"pass {scan.pass_id} is completed, but its object {missing[0]} (one of "
            f"{len(missing)}) is in no manifest after {scan.since_manifest}: its deletes cannot "
            "be concluded; restore the manifest"
        )
    return [known[key] for key in scan.objects]


def seen_after(scan: CompletedPass, manifests: Sequence[Manifest]) -> list[ObjectRecord]:
    """Objects outside a pass that may hold rows observed at or after its beginning."""
    own = set(scan.objects)
    return [
        item
        for manifest in manifests
        if manifest.number > scan.since_manifest
        for item in manifest.objects
        if item.op == "upsert"
        and item.observed_to_millis >= scan.started_at_millis
        and item.key not in own
    ]
