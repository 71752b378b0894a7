"""What the build reads of the ledger, and the one item that it removes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Key

from sluice_build.errors import TableFailed

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

    def replace_request(self, name: str) -> object | None:
        """When a target asked for the whole table (`requestedAt`), or None."""
        item = self.table.get_item(
            Key={"pk": f"table#{name}", "sk": "replace"}, ConsistentRead=True
        ).get("Item")
        return None if item is None else item["requestedAt"]

    def remove_replace_request(self, name: str, requested_at: object) -> None:
        """Remove the request that was served; a newer one stays."""
        try:
            self.table.delete_item(
                Key={"pk": f"table#{name}", "sk": "replace"},
                ConditionExpression="requestedAt = :served",
                ExpressionAttributeValues={":served": requested_at},  # type: ignore[dict-item]
            )
        except self.table.meta.client.exceptions.ConditionalCheckFailedException:
            return
