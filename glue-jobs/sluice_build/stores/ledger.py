"""What the build reads of the ledger, and the one item that it changes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key

from sluice_build.contract import keys
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
        return last_manifest(self.table.get_item(Key=keys.progress_item(name), ConsistentRead=True))

    def manifests(self, name: str, after: int, through: int) -> list[ManifestRecord]:
        """The records of manifests `after`+1 … `through`, in order.

        Raises TableFailed when one is missing.
        """
        if through <= after:
            return []
        first = keys.manifest_item(name, after + 1)
        last = keys.manifest_item(name, min(through, _LAST))
        condition = Key("pk").eq(first["pk"]) & Key("sk").between(first["sk"], last["sk"])
        items = []
        response = self.table.query(KeyConditionExpression=condition, ConsistentRead=True)
        items += response["Items"]
        while "LastEvaluatedKey" in response:
            response = self.table.query(
                KeyConditionExpression=condition,
                ConsistentRead=True,
                ExclusiveStartKey=response["LastEvaluatedKey"],
            )
            items += response["Items"]
        records = [manifest_record(item) for item in items]
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
        return due_request(self.table.get_item(Key=keys.replace_item(name), ConsistentRead=True))

    def note_replace_written(
        self, name: str, request: ReplaceRequest, content_id: str, run: str
    ) -> None:
        """Note that a request was served, so that it is no longer due; a newer one stays due.

        The item stays: Load decides by it when it may ask again.
        """
        served = served_request(content_id, run, time.time_ns() // 1_000_000)
        try:
            self.table.update_item(
                Key=keys.replace_item(name),
                UpdateExpression="SET " + ", ".join(f"#{field} = :{field}" for field in served),
                ConditionExpression="requestedAt = :served AND #state = :asked",
                ExpressionAttributeNames={f"#{field}": field for field in served},
                ExpressionAttributeValues={
                    **{f":{field}": value for field, value in served.items()},
                    ":served": request.requested_at,
                    ":asked": "asked",
                },
            )
        except self.table.meta.client.exceptions.ConditionalCheckFailedException:
            return


def last_manifest(response: Mapping[str, Any]) -> int:
    """The number of a table's last manifest in a response of GetItem; 0 when it has none."""
    item = response.get("Item")
    return 0 if item is None else int(item["lastManifest"])


def manifest_record(item: Mapping[str, Any]) -> ManifestRecord:
    """What the build reads of an item of a manifest."""
    number = int(str(item["sk"]).removeprefix("manifest#"))
    return ManifestRecord(number, str(item["key"]), str(item["etag"]))


def due_request(response: Mapping[str, Any]) -> ReplaceRequest | None:
    """The request in a response of GetItem, if a build is still to serve it.

    The same rule as `isReplaceDue` in contract/load-records.ts.
    """
    item = response.get("Item")
    if item is None or item.get("state") != "asked":
        return None
    return ReplaceRequest(int(item["requestedAt"]))


def served_request(content_id: str, run: str, now_millis: int) -> dict[str, str | int]:
    """What the build sets in a request that it served; `now_millis` since 1970."""
    return {
        "state": "written",
        "writtenAt": now_millis,
        "writtenRun": run,
        "writtenContentId": content_id,
    }
