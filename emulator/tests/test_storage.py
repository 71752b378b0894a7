"""Conditional writes to S3 and DynamoDB are atomic, however many write at once."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from running_emulator import Emulator


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    name = f"ledger-{uuid.uuid4()}"
    emulator.dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def key(sk: str) -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def test_of_many_writers_of_a_new_object_one_wins(emulator: Emulator) -> None:
    bucket = f"bucket-{uuid.uuid4()}"
    emulator.s3.create_bucket(Bucket=bucket)

    def put(writer: int) -> bool:
        try:
            emulator.s3.put_object(Bucket=bucket, Key="k", Body=str(writer), IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(put, range(16)))
    assert won.count(True) == 1
    stored = emulator.s3.get_object(Bucket=bucket, Key="k")["Body"].read()
    assert stored == str(won.index(True)).encode()


def test_of_many_conditional_updates_each_counts(emulator: Emulator, table: str) -> None:
    emulator.dynamodb.put_item(TableName=table, Item={**key("counter"), "n": {"N": "0"}})

    def add_one(_writer: int) -> int:
        """Raise the counter by one on the condition that no other writer has; how many tries."""
        for attempt in range(1, 200):
            item = emulator.dynamodb.get_item(TableName=table, Key=key("counter"))["Item"]
            n = int(item["n"]["N"])
            try:
                emulator.dynamodb.update_item(
                    TableName=table,
                    Key=key("counter"),
                    UpdateExpression="SET n = :new",
                    ConditionExpression="n = :old",
                    ExpressionAttributeValues={":new": {"N": str(n + 1)}, ":old": {"N": str(n)}},
                )
            except emulator.dynamodb.exceptions.ConditionalCheckFailedException:
                continue
            return attempt
        raise AssertionError("never won")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add_one, range(20)))
    item = emulator.dynamodb.get_item(TableName=table, Key=key("counter"))["Item"]
    assert item["n"]["N"] == "20"


def test_a_transaction_does_all_or_nothing(emulator: Emulator, table: str) -> None:
    put = emulator.dynamodb.put_item
    put(TableName=table, Item={**key("lease"), "token": {"N": "1"}})
    put(TableName=table, Item={**key("split"), "position": {"N": "0"}})

    def record(token: int, position: int) -> None:
        emulator.dynamodb.transact_write_items(
            TransactItems=[
                {
                    "ConditionCheck": {
                        "TableName": table,
                        "Key": key("lease"),
                        "ConditionExpression": "#t = :token",
                        "ExpressionAttributeNames": {"#t": "token"},
                        "ExpressionAttributeValues": {":token": {"N": str(token)}},
                    }
                },
                {
                    "Update": {
                        "TableName": table,
                        "Key": key("split"),
                        "UpdateExpression": "SET #p = :new",
                        "ConditionExpression": "#p = :old",
                        "ExpressionAttributeNames": {"#p": "position"},
                        "ExpressionAttributeValues": {
                            ":new": {"N": str(position + 1)},
                            ":old": {"N": str(position)},
                        },
                    }
                },
                {
                    "Put": {
                        "TableName": table,
                        "Item": key(f"object-{position}"),
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                },
            ]
        )

    record(1, 0)
    with pytest.raises(emulator.dynamodb.exceptions.TransactionCanceledException) as cancelled:
        record(2, 0)
    reasons = [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]]
    assert reasons == ["ConditionalCheckFailed", "ConditionalCheckFailed", "ConditionalCheckFailed"]
    split = emulator.dynamodb.get_item(TableName=table, Key=key("split"))["Item"]
    assert split["position"] == {"N": "1"}

    started = time.monotonic()
    for position in range(1, 200):
        record(1, position)
    assert time.monotonic() - started < 20
    split = emulator.dynamodb.get_item(TableName=table, Key=key("split"))["Item"]
    assert split["position"] == {"N": "200"}


def test_a_transaction_that_breaks_half_way_is_put_back(emulator: Emulator, table: str) -> None:
    emulator.dynamodb.put_item(TableName=table, Item={**key("kept"), "n": {"N": "1"}})
    with pytest.raises(ClientError):
        emulator.dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": {**key("kept"), "n": {"N": "2"}}}},
                {"Put": {"TableName": table, "Item": key("new")}},
                {
                    "Update": {
                        "TableName": table,
                        "Key": key("other"),
                        "UpdateExpression": "SET n = nothing + :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                    }
                },
            ]
        )
    kept = emulator.dynamodb.get_item(TableName=table, Key=key("kept"))["Item"]
    assert kept["n"] == {"N": "1"}
    assert "Item" not in emulator.dynamodb.get_item(TableName=table, Key=key("new"))
