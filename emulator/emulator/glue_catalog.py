"""Repairs of moto's Glue Data Catalog: optimistic locking, lower-case names, limits, pages."""

from __future__ import annotations

import base64
import functools
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from moto.core.responses import ActionResult
from moto.glue import models as glue_models
from moto.glue.exceptions import GlueClientError, InvalidInputException
from moto.glue.responses import GlueResponse

MAX_COMMENT_LENGTH = 255
_MAX_PAGE = 100


class MotoTable(Protocol):
    """The part of moto's table that is used."""

    versions: dict[str, dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The table as the API shows it."""


class MotoBackend(Protocol):
    """The part of moto's Glue backend that is used."""

    def get_table(self, database_name: str, table_name: str) -> MotoTable:
        """The table of a name."""

    def get_tables(self, database_name: str, expression: str | None) -> list[MotoTable]:
        """The tables of a database."""


class MotoRequest(Protocol):
    """The part of moto's request handler that is used."""

    glue_backend: MotoBackend
    parameters: Mapping[str, Any]


class ConcurrentModificationException(GlueClientError):  # type: ignore[misc]
    """The error of an update that was made from an old version."""

    def __init__(self) -> None:
        super().__init__(
            "ConcurrentModificationException",
            "Update table failed due to concurrent modifications.",
        )


def install() -> None:
    """Repair moto."""
    lock = threading.RLock()
    _lower_case_names()
    _optimistic_locking(lock)
    GlueResponse.get_tables = _get_tables
    # moto's server responds in many threads, and checks for a table and then writes without a lock.
    for name in ("create_database", "create_table", "delete_table"):
        setattr(GlueResponse, name, _locked(getattr(GlueResponse, name), lock))


def _locked(write: Callable[..., object], lock: threading.RLock) -> Callable[..., object]:
    @functools.wraps(write)
    def locked(*args: object, **named: object) -> object:
        with lock:
            return write(*args, **named)

    return locked


# moto ignores VersionId, so that of two writers who both read version 1 the second overwrites
# the first: Iceberg commits would be lost. It also keeps every version, though SkipArchive is set.
def _optimistic_locking(lock: threading.RLock) -> None:
    update = GlueResponse.update_table

    def update_table(self: MotoRequest) -> object:
        given = self.parameters["TableInput"]
        _check_limits(given)
        with lock:
            table = self.glue_backend.get_table(self.parameters["DatabaseName"], given["Name"])
            version = str(table.as_dict()["VersionId"])
            expected = self.parameters.get("VersionId")
            if expected is not None and str(expected) != version:
                raise ConcurrentModificationException
            response = update(self)
            if self.parameters.get("SkipArchive"):
                table.versions.pop(version, None)
            return response

    create = GlueResponse.create_table

    def create_table(self: MotoRequest) -> object:
        _check_limits(self.parameters["TableInput"])
        return create(self)

    GlueResponse.update_table = update_table
    GlueResponse.create_table = create_table


def _check_limits(table: Mapping[str, Any]) -> None:
    columns = [
        *table.get("StorageDescriptor", {}).get("Columns", []),
        *table.get("PartitionKeys", []),
    ]
    for column in columns:
        comment = column.get("Comment") or ""
        if len(comment) > MAX_COMMENT_LENGTH:
            raise InvalidInputException(
                "CreateTable",
                f"1 validation error detected: Value '{comment}' at column '{column['Name']}' "
                "failed to satisfy constraint: Member must have length less than or equal to "
                f"{MAX_COMMENT_LENGTH}",
            )


# moto keeps names of databases and tables as they are given; Glue folds them to lower case.
def _lower_case_names() -> None:
    backend_class = glue_models.GlueBackend

    def lowering(method: Callable[..., object], names: int) -> Callable[..., object]:
        @functools.wraps(method)
        def lowered(self: object, *args: object, **named: object) -> object:
            folded = [
                arg.lower() if position < names and isinstance(arg, str) else arg
                for position, arg in enumerate(args)
            ]
            return method(self, *folded, **named)

        return lowered

    for name in ("create_database", "get_database", "update_database", "delete_database"):
        setattr(backend_class, name, lowering(getattr(backend_class, name), 1))
    for name in ("create_table", "get_table", "delete_table", "update_table"):
        setattr(backend_class, name, lowering(getattr(backend_class, name), 2))

    original = glue_models.FakeTable.as_dict

    def as_dict(self: Any, version: str | None = None) -> dict[str, Any]:  # noqa: ANN401
        shown: dict[str, Any] = original(self, version)
        return {**shown, "Name": self.name, "DatabaseName": self.database_name}

    glue_models.FakeTable.as_dict = as_dict


# moto gives all tables in one response.
def _get_tables(self: MotoRequest) -> ActionResult:
    tables = self.glue_backend.get_tables(
        str(self.parameters.get("DatabaseName")).lower(), self.parameters.get("Expression")
    )
    count = min(int(self.parameters.get("MaxResults") or _MAX_PAGE), _MAX_PAGE)
    token = self.parameters.get("NextToken")
    start = int(base64.b64decode(token)) if token else 0
    response: dict[str, object] = {
        "TableList": [table.as_dict() for table in tables[start : start + count]]
    }
    if start + count < len(tables):
        response["NextToken"] = base64.b64encode(str(start + count).encode()).decode()
    return ActionResult(response)
