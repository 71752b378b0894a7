"""Reads the definitions of tables and models from the Data Catalog."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, cast

from sluice_build.contract.column_types import ColumnType, Json, parse
from sluice_build.contract.stored_type import amended

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
    """A table; `max_share` bounds the share of its live rows that one scan may delete."""

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


FORMAT = "2"
"""Of a definition; another one is rejected."""

STAMP = "_stack"
"""The table that a catalog stack writes after its definitions; no entry can be called so."""


@dataclass(frozen=True)
class StackContent:
    """What the database of one catalog stack holds."""

    database: str
    tables: Sequence["TableTypeDef"]

    @property
    def stamp(self) -> int | None:
        """The number of stacks it was last deployed with; None before that has ended."""
        for table in self.tables:
            parameters = table.get("Parameters", {})
            if table["Name"] == STAMP and parameters.get("sluice.format") == FORMAT:
                return int(parameters["sluice.stacks"])
        return None


def stack_of(name: str, stacks: int) -> int:
    """The number of the catalog stack that an entry belongs to."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % stacks


def definitions_database(deployment: str, stack: int) -> str:
    """The database of a catalog stack's definitions."""
    return f"{deployment}_definitions_{stack:03}"


def read_definitions(
    glue: "GlueClient", deployment: str, stacks: int
) -> tuple[list[Definition], list[BadDefinition]]:
    """All definitions of a deployment of so many catalog stacks, and those that can't be used."""
    contents: list[StackContent] = []
    end = stacks
    while len(contents) < end:
        content = _read_stack(glue, definitions_database(deployment, len(contents)))
        contents.append(content)
        # A stack that was last deployed when there were more may lack entries that are in those.
        end = max(end, content.stamp or 0)
    return choose_definitions(contents, stacks)


def _read_stack(glue: "GlueClient", database: str) -> StackContent:
    tables: list[TableTypeDef] = []
    try:
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=database):
            tables += page["TableList"]
    except glue.exceptions.EntityNotFoundException:
        pass  # Its stack is not deployed yet.
    return StackContent(database, tables)


def choose_definitions(
    contents: Sequence[StackContent], stacks: int
) -> tuple[list[Definition], list[BadDefinition]]:
    """The definition of each entry, and those that can't be used.

    Once all stacks are deployed with the present number of stacks, each entry is in its own, and
    what is left of it elsewhere does not count. Before, it may be where it was, or in both places:
    if those differ, which one is right is not known, and none is used.
    """
    deployed = [content.stamp == stacks for content in contents]
    is_settled = all(deployed[:stacks])
    found: dict[str, list[tuple[str, TableTypeDef]]] = {}
    for number, content in enumerate(contents):
        for table in content.tables:
            name = table["Name"]
            # A stack that was deployed deletes what went to another only after that.
            is_left = (is_settled or deployed[number]) and stack_of(name, stacks) != number
            if name != STAMP and not is_left:
                found.setdefault(name, []).append((content.database, table))
    good: list[Definition] = []
    bad: list[BadDefinition] = []
    for name, places in sorted(found.items()):
        databases = " and ".join(database for database, _ in places)
        try:
            definition, *others = [parse_definition(table) for _, table in places]
        except (KeyError, ValueError, TypeError) as error:
            reason = f"parameter {error} is missing" if type(error) is KeyError else error
            message = f"its definition in {databases} cannot be read: {reason}"
            bad.append(BadDefinition(name, _kind(places), message))
            continue
        if all(other == definition for other in others):
            good.append(definition)
        else:
            message = (
                f"it is defined differently in {databases}: let the deployment that is under way "
                "end, or deploy all stacks again; until then nothing of it is changed"
            )
            bad.append(BadDefinition(name, _kind(places), message))
    return good, bad


def _kind(places: Iterable[tuple[str, "TableTypeDef"]]) -> Literal["table", "model"]:
    kinds = {table.get("Parameters", {}).get("sluice.kind") for _, table in places}
    return "model" if kinds == {"model"} else "table"


def parse_definition(table: "TableTypeDef") -> Definition:
    """One definition from its Glue table.

    Raises KeyError, ValueError or TypeError when a parameter is missing or malformed.
    """
    parameters = table["Parameters"]
    if parameters["sluice.format"] != FORMAT:
        raise ValueError(
            f"sluice.format is {parameters['sluice.format']}, this job reads {FORMAT}: deploy the "
            "two together"
        )
    kind = parameters["sluice.kind"]
    if kind not in ("table", "model"):
        raise ValueError(f"sluice.kind is {kind}, neither table nor model")
    columns = _columns(table, parameters)
    key = tuple(_texts(parameters, "sluice.key"))
    missing = set(key) - {column.name for column in columns}
    if missing or not key:
        raise ValueError(f"key {list(key)} names undeclared columns: {sorted(missing)}")
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
        soft = deletes["column"] if deletes["strategy"] == "soft-delete" else None
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


def _columns(table: "TableTypeDef", parameters: Mapping[str, str]) -> tuple[Column, ...]:
    in_glue = table["StorageDescriptor"]["Columns"]
    known = [column["Name"] for column in in_glue]
    required = [name for name in parameters["sluice.required"].split(",") if name]
    paths = _members(parameters, "sluice.paths")
    types = _members(parameters, "sluice.types")
    unknown = {*required, *paths, *types} - set(known)
    if unknown:
        raise ValueError(f"columns {sorted(unknown)} are described, but the table has {known}")
    return tuple(
        _column(
            column["Name"],
            column.get("Type", ""),
            types.get(column["Name"], {}),
            paths.get(column["Name"], column["Name"]),
            nullable=column["Name"] not in required,
        )
        for column in in_glue
    )


def _column(
    name: str, type_in_glue: str, amendments: Json, path: Json, *, nullable: bool
) -> Column:
    try:
        declared = amended(type_in_glue, amendments)
        column_type = parse(declared)
    except ValueError as error:
        raise ValueError(f"column {name}: {error}") from None
    steps = [path] if isinstance(path, str) else path
    if not isinstance(steps, list) or not steps:
        raise ValueError(f"column {name}: {path!r} is not a path")
    return Column(name, column_type, declared, tuple(str(step) for step in steps), nullable)


def _members(parameters: Mapping[str, str], name: str) -> dict[str, Json]:
    value = json.loads(parameters[name])
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {value!r}, not an object")
    return value


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
    raise ValueError(f"{item!r} is not a partition")


def _check(item: Json) -> Check:
    match item:
        case {"name": str(name), "badRows": str(bad), "severity": "error" | "warn" as severity}:
            return Check(name, bad, cast(Literal["error", "warn"], severity))
    raise ValueError(f"{item!r} is not a check")
