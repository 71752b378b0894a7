"""Reads the definitions of tables and models from the Data Catalog."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, cast

from sluice_build.column_types import ColumnType, Json, parse

if TYPE_CHECKING:
    from types_boto3_glue import GlueClient
    from types_boto3_glue.type_defs import TableTypeDef


@dataclass(frozen=True)
class Column:
    """A declared column; `declared` is its type as the catalog has it."""

    name: str
    type: ColumnType
    declared: Json
    path: tuple[str, ...]
    nullable: bool


@dataclass(frozen=True)
class Partition:
    """How rows are laid out: by a column, whole, by day, by month, or in a number of buckets."""

    column: str
    transform: Literal["identity", "day", "month"] | int


@dataclass(frozen=True)
class Check:
    """A declared test: the SQL predicate that is true for bad rows."""

    name: str
    bad_rows: str
    severity: Literal["error", "warn"]


@dataclass(frozen=True)
class Entry:
    """What tables and models have in common."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partitioning: tuple[Partition, ...]
    checks: tuple[Check, ...]
    published: bool
    fingerprint: str

    kind: ClassVar[Literal["table", "model"]]

    @property
    def column_names(self) -> list[str]:
        """The declared columns' names, in order."""
        return [column.name for column in self.columns]


@dataclass(frozen=True)
class TableDefinition(Entry):
    """A table; `max_share` bounds the share of its live rows that absence may delete at once."""

    soft_delete_column: str | None
    max_share: float

    kind: ClassVar[Literal["table", "model"]] = "table"


@dataclass(frozen=True)
class ModelDefinition(Entry):
    """A model and its script in S3."""

    language: Literal["sql", "python"]
    script: str
    inputs: tuple[str, ...]

    kind: ClassVar[Literal["table", "model"]] = "model"


@dataclass(frozen=True)
class BadDefinition:
    """A definition that cannot be read, with the reason; it fails alone."""

    name: str
    kind: Literal["table", "model"]
    reason: str


Definition: TypeAlias = TableDefinition | ModelDefinition


def read_definitions(
    glue: "GlueClient", deployment: str
) -> tuple[list[Definition], list[BadDefinition]]:
    """All definitions of a deployment, and those that could not be read."""
    good: list[Definition] = []
    bad: list[BadDefinition] = []
    kinds: list[tuple[str, Literal["table", "model"]]] = [("raw", "table"), ("models", "model")]
    for database, kind in kinds:
        pages = glue.get_paginator("get_tables").paginate(DatabaseName=f"{deployment}_{database}")
        for page in pages:
            for table in page["TableList"]:
                try:
                    good.append(parse_definition(table, kind))
                except (KeyError, ValueError, TypeError) as error:
                    reason = f"parameter {error} is missing" if type(error) is KeyError else error
                    bad.append(
                        BadDefinition(
                            table["Name"],
                            kind,
                            f"its definition in {deployment}_{database} cannot be read: {reason}",
                        )
                    )
    return good, bad


def parse_definition(table: "TableTypeDef", kind: Literal["table", "model"]) -> Definition:
    """One definition from its Glue table.

    Raises KeyError, ValueError or TypeError when a parameter is missing or malformed.
    """
    parameters = table["Parameters"]
    if parameters["sluice.format"] != "1":
        raise ValueError(
            f"sluice.format is {parameters['sluice.format']}, this job reads 1: deploy the two "
            "together"
        )
    if parameters["sluice.kind"] != kind:
        raise ValueError(f"sluice.kind is {parameters['sluice.kind']}, expected {kind}")
    columns = tuple(
        _column(column["Name"], parameters) for column in table["StorageDescriptor"]["Columns"]
    )
    key = tuple(_texts(parameters, "sluice.key"))
    missing = set(key) - {column.name for column in columns}
    if missing or not key:
        raise ValueError(f"key {list(key)} names no declared column: {sorted(missing)}")
    entry = Entry(
        name=table["Name"],
        key=key,
        columns=columns,
        partitioning=tuple(_partition(item) for item in _items(parameters, "sluice.partitioning")),
        checks=tuple(_check(item) for item in _items(parameters, "sluice.checks")),
        published=json.loads(parameters["sluice.publish"]) is not None,
        fingerprint=parameters["sluice.fingerprint"],
    )
    if kind == "table":
        deletes = json.loads(parameters["sluice.deletes"])
        soft = deletes["column"] if deletes["way"] == "soft-delete" else None
        if soft is not None and soft not in entry.column_names:
            raise ValueError(f"the soft-delete column {soft} is not declared")
        return TableDefinition(
            **vars(entry),
            soft_delete_column=soft,
            max_share=float(deletes.get("maxShare", 1)),
        )
    language = parameters["sluice.language"]
    if language not in ("sql", "python"):
        raise ValueError(f"sluice.language is {language}, neither sql nor python")
    return ModelDefinition(
        **vars(entry),
        language=cast(Literal["sql", "python"], language),
        script=parameters["sluice.script"],
        inputs=tuple(_texts(parameters, "sluice.inputs")),
    )


def _column(name: str, parameters: Mapping[str, str]) -> Column:
    declared = json.loads(parameters[f"sluice.column.{name}"])
    try:
        column_type = parse(declared["type"])
    except ValueError as error:
        raise ValueError(f"column {name}: {error}") from None
    return Column(
        name=name,
        type=column_type,
        declared=declared["type"],
        path=tuple(declared.get("path", [name])),
        nullable=bool(declared.get("nullable", True)),
    )


def _items(parameters: Mapping[str, str], name: str) -> list[Json]:
    value = json.loads(parameters[name])
    if not isinstance(value, list):
        raise ValueError(f"{name} is {value!r}, not an array")
    return value


def _texts(parameters: Mapping[str, str], name: str) -> list[str]:
    return [str(item) for item in _items(parameters, name)]


def _partition(item: Json) -> Partition:
    match item:
        case {"column": str(column), "transform": "identity" | "day" | "month" as transform}:
            return Partition(column, cast(Literal["identity", "day", "month"], transform))
        case {"column": str(column), "transform": {"bucket": int(buckets)}}:
            return Partition(column, buckets)
    raise ValueError(f"{item!r} is no partition")


def _check(item: Json) -> Check:
    match item:
        case {"name": str(name), "badRows": str(bad), "severity": "error" | "warn" as severity}:
            return Check(name, bad, cast(Literal["error", "warn"], severity))
    raise ValueError(f"{item!r} is no check")
