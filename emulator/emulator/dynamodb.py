"""Repairs of moto's DynamoDB: writes are atomic, and transactions cost what they touch."""

from __future__ import annotations

import copy
import functools
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from moto.dynamodb import models as dynamodb_models
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
)

Attributes = dict[str, dict[str, object]]
Request = Mapping[str, Any]
Action = Mapping[str, Request]
Write = Callable[..., object]

_WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")
_MAX_ACTIONS = 100


class MotoItem(Protocol):
    """The part of moto's item that is used."""

    def to_json(self) -> dict[str, Attributes]:
        """The item as the API shows it."""


class MotoTable(Protocol):
    """The part of moto's table that is used."""

    hash_key_attr: str
    range_key_attr: str | None


class MotoBackend(Protocol):
    """The part of moto's DynamoDB backend that is used."""

    def get_table(self, table_name: str) -> MotoTable:
        """The table of a name."""

    def get_item(self, table_name: str, key: Attributes) -> MotoItem | None:
        """The item of a key."""

    put_item: Write
    update_item: Write
    delete_item: Write


def install() -> None:
    """Repair moto."""
    backend_class = dynamodb_models.DynamoDBBackend
    backend_class.transact_write_items = _transact_write_items
    # moto's server responds in many threads, and checks a condition and then writes without a
    # lock: two writers could both see the condition fulfilled.
    lock = threading.RLock()
    for name in _WRITES:
        setattr(backend_class, name, _locked(getattr(backend_class, name), lock))


def _locked(write: Write, lock: threading.RLock) -> Write:
    @functools.wraps(write)
    def locked(*args: object, **named: object) -> object:
        with lock:
            return write(*args, **named)

    return locked


# moto copies every item of every table of a transaction, to put them back if it is cancelled: a
# ledger of many records would slow down with each one. Here every condition is checked before the
# first write, and only the items touched are kept.
def _transact_write_items(self: MotoBackend, transact_items: list[Action]) -> None:
    if len(transact_items) > _MAX_ACTIONS:
        raise TooManyTransactionsException
    touched: dict[str, _Touched] = {}
    reasons: list[tuple[str | None, str | None, Attributes | None]] = []
    for action in transact_items:
        kind, request = next(iter(action.items()))
        target = _touch(self, kind, request)
        if target.identity in touched:
            raise MultipleTransactionsException
        touched[target.identity] = target
        reasons.append(_cancellation_reason(request, target.before))
    if any(code is not None for code, _, _ in reasons):
        raise TransactionCanceledException(reasons)
    try:
        for action in transact_items:
            _apply(self, *next(iter(action.items())))
    except MockValidationException:
        _put_back(self, touched)
        raise
    except Exception as error:
        _put_back(self, touched)
        raise TransactionCanceledException([(type(error).__name__, str(error), None)]) from error


@dataclass(frozen=True)
class _Touched:
    """An item that a transaction writes, and how it was before."""

    table: str
    key: Attributes
    before: MotoItem | None

    @property
    def identity(self) -> str:
        return json.dumps([self.table, self.key], sort_keys=True)


def _touch(backend: MotoBackend, kind: str, request: Request) -> _Touched:
    table_name = str(request["TableName"])
    table = backend.get_table(table_name)
    holder: Attributes = request["Item" if kind == "Put" else "Key"]
    names = [table.hash_key_attr, *([table.range_key_attr] if table.range_key_attr else [])]
    missing = [name for name in names if name not in holder]
    if missing:
        raise MockValidationException(
            f"One or more parameter values were invalid: Missing the key {missing[0]} in the item"
        )
    key = {name: holder[name] for name in names}
    return _Touched(table_name, key, copy.deepcopy(backend.get_item(table_name, key)))


def _cancellation_reason(
    request: Request, before: MotoItem | None
) -> tuple[str | None, str | None, Attributes | None]:
    condition = request.get("ConditionExpression")
    if condition is None:
        return None, None, None
    checked = get_filter_expression(
        condition,
        request.get("ExpressionAttributeNames"),
        request.get("ExpressionAttributeValues"),
    )
    if checked.expr(before):
        return None, None, None
    returns_old = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    shown = before.to_json()["Attributes"] if returns_old and before is not None else None
    return "ConditionalCheckFailed", "The conditional request failed", shown


def _apply(backend: MotoBackend, kind: str, request: Request) -> None:
    expressions = {
        "condition_expression": request.get("ConditionExpression"),
        "expression_attribute_names": request.get("ExpressionAttributeNames"),
        "expression_attribute_values": request.get("ExpressionAttributeValues"),
    }
    table = request["TableName"]
    if kind == "Put":
        backend.put_item(table, request["Item"], **expressions)
    elif kind == "Delete":
        backend.delete_item(table, request["Key"], **expressions)
    elif kind == "Update":
        backend.update_item(
            table, request["Key"], update_expression=request["UpdateExpression"], **expressions
        )
    elif kind != "ConditionCheck":
        raise MockValidationException(f"{kind} is not an action of a transaction")


def _put_back(backend: MotoBackend, touched: Mapping[str, _Touched]) -> None:
    for target in touched.values():
        if target.before is None:
            backend.delete_item(target.table, target.key)
        else:
            backend.put_item(target.table, target.before.to_json()["Attributes"])
