"""What the build reads of the ledger, and the one item that it changes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key

from sluice_build.contract.errors import TableFailed

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

_LAST = 9_999_999_999


@dataclass(frozen=True)
class ManifestRecord:
    """A manifest that counts: its number and the exact object."""

    number: int
    key: str
    etag: str


@dataclass(frozen=True)
class ReplaceRequest:
    """A target asks for the whole table; `requested_at` (ms since 1970) is its identity."""

    requested_at: int


@dataclass(frozen=True)
class Ledger:
    """The ledger, read consistently."""

    table: "Table"

    def last_manifest(self, name: str) -> int:
        """The number of a table's last manifest; 0 when it has none."""
        item = self.table.get_item(
            Key={"pk": f"table#{name}", "sk": "progress"}, ConsistentRead=True
        ).get("Item")
        return 0 if item is None else int(str(item["lastManifest"]))

    def manifests(self, name: str, after: int, through: int) -> list[ManifestRecord]:
        """The records of manifests `after`+1 … `through`, in order.

        Raises TableFailed when one is missing.
        """
        if through <= after:
            return []
        condition = Key("pk").eq(f"table#{name}") & Key("sk").between(
            f"manifest#{after + 1:010d}", f"manifest#{min(through, _LAST):010d}"
        )
        items = []
        answer = self.table.query(KeyConditionExpression=condition, ConsistentRead=True)
        items += answer["Items"]
        while "LastEvaluatedKey" in answer:
            answer = self.table.query(
                KeyConditionExpression=condition,
                ConsistentRead=True,
                ExclusiveStartKey=answer["LastEvaluatedKey"],
            )
            items += answer["Items"]
        records = [
            ManifestRecord(
                int(str(item["sk"]).removeprefix("manifest#")), str(item["key"]), str(item["etag"])
            )
            for item in items
        ]
        found = [record.number for record in records]
        expected = list(range(after + 1, through + 1))
        if found != expected:
            missing = sorted(set(expected) - set(found))[:5]
            raise TableFailed(
                f"the ledger lacks manifest {missing} of {name} ({after + 1} to {through} are "
                "recorded as committed): restore the ledger's items"
            )
        return records

    def replace_request(self, name: str) -> ReplaceRequest | None:
        """The request for the whole table that is due now, or None."""
        return due_request(self.table.get_item(Key=_replace_key(name), ConsistentRead=True))

    def note_replace_written(
        self, name: str, request: ReplaceRequest, content_id: str, run: str
    ) -> None:
        """Note that a request was served, so that it is due no more; a newer one stays due.

        The item stays: Load decides by it when it may ask again.
        """
        try:
            self.table.update_item(
                Key=_replace_key(name),
                UpdateExpression=(
                    "SET #state = :written, writtenAt = :now, writtenRun = :run, "
                    "writtenContentId = :content"
                ),
                ConditionExpression="requestedAt = :served AND #state = :asked",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":written": "written",
                    ":asked": "asked",
                    ":now": time.time_ns() // 1_000_000,
                    ":run": run,
                    ":content": content_id,
                    ":served": request.requested_at,
                },
            )
        except self.table.meta.client.exceptions.ConditionalCheckFailedException:
            return


def _replace_key(name: str) -> dict[str, str]:
    return {"pk": f"table#{name}", "sk": "replace"}


def due_request(answer: Mapping[str, Any]) -> ReplaceRequest | None:
    """The request in an answer of GetItem, if a build is still to serve it.

    The same rule as `isReplaceDue` in stores/ledger/load-records.ts.
    """
    item = answer.get("Item")
    if item is None or item.get("state") != "asked":
        return None
    return ReplaceRequest(int(item["requestedAt"]))
