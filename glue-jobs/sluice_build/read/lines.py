"""Reads one object line: finds each column in the document and coerces it, without any I/O."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sluice_build.read.coerce import Coerce, Misfit, coercer, shortened
from sluice_build.stores.catalog import Column, TableDefinition

_LONG = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Row:
    """A line that fits. A deleted row has its key columns only."""

    op: Literal["upsert", "key"]
    values: dict[str, Any]
    version: tuple[int, int, int] | None
    observed_at_millis: int
    deleted: bool


@dataclass(frozen=True)
class Rejected:
    """A line for quarantine. `key` is there if at least the key could be read."""

    reason: str
    column: str | None
    key: dict[str, Any] | None
    observed_at_millis: int | None


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_reject_constant)


class LineReader:
    """Reads the lines of one table."""

    def __init__(self, definition: TableDefinition) -> None:
        published = definition.published
        key = set(definition.key)
        self._key = [_ColumnReader(c, True, published) for c in definition.columns if c.name in key]
        self._rest = [
            _ColumnReader(c, not c.nullable, published)
            for c in definition.columns
            if c.name not in key
        ]
        self._soft_delete = next(
            (c for c in self._rest if c.name == definition.soft_delete_column), None
        )

    def read(self, line: bytes) -> Row | Rejected:
        """One line, with or without its line end, as a row or with the reason why not."""
        try:
            parsed = _DECODER.decode(line.decode())
        except (ValueError, RecursionError) as error:
            return Rejected(f"the line is not JSON: {error}", None, None, None)
        try:
            op, identity, version, observed, doc = _envelope(parsed)
        except Misfit as misfit:
            return Rejected(str(misfit), None, None, None)
        column = ""
        values: dict[str, Any] = {}
        key_read = False
        try:
            for reader in self._key:
                column = reader.name
                values[column] = reader.read(doc, identity)
            key_read = True
            if op == "key":
                return Row("key", values, None, observed, False)
            if self._soft_delete is not None:
                column = self._soft_delete.name
                mark = self._soft_delete.read(doc, identity)
                # A time is a mark even if it is 0, which equals False.
                if mark is not None and mark is not False:
                    return Row("upsert", values, version, observed, True)
            key_columns = len(values)
            for reader in self._rest:
                column = reader.name
                values[column] = reader.read(doc, identity)
        except Misfit as misfit:
            key = dict(list(values.items())[: len(self._key)]) if key_read else None
            return Rejected(str(misfit), column, key, observed)
        assert key_columns == len(self._key)
        return Row("upsert", values, version, observed, False)


class _ColumnReader:
    def __init__(self, column: Column, required: bool, published: bool) -> None:
        self.name = column.name
        self._path = column.path
        self._simple = column.path[0] if len(column.path) == 1 else None
        self._required = required
        self._coerce: Coerce = coercer(column.type, published)

    def read(self, doc: dict[str, Any], identity: str | None) -> Any:  # noqa: ANN401
        if self._simple is None:
            value = find(doc, self._path)
        elif self._simple == "_id":
            value = identity
        else:
            value = doc.get(self._simple)
        if value is not None:
            value = self._coerce(value)
        if value is None and self._required:
            raise Misfit("null where a value is required")
        return value


def _envelope(
    parsed: object,
) -> tuple[Literal["upsert", "key"], str | None, tuple[int, int, int] | None, int, dict[str, Any]]:
    if not isinstance(parsed, dict):
        raise Misfit("the line is not a JSON object")
    op = parsed.get("op")
    if op != "upsert" and op != "key":
        raise Misfit(f'op is {shortened(op)}, neither "upsert" nor "key"')
    identity = parsed.get("id")
    if identity is not None and type(identity) is not str:
        raise Misfit(f"id is {shortened(identity)}, not text or null")
    observed = parsed.get("observed_at")
    # Microseconds of it must fit a timestamp.
    if type(observed) is not int or not 0 <= observed < 253_402_300_800_000:
        raise Misfit(f"observed_at is {shortened(observed)}, not milliseconds")
    version: tuple[int, int, int] | None = None
    if op == "upsert":
        given = parsed.get("version")
        if (
            type(given) is not list
            or len(given) != 3
            or not all(type(part) is int and part in _LONG for part in given)
        ):
            raise Misfit(f"version is {shortened(given)}, not three integers")
        version = (given[0], given[1], given[2])
    doc = parsed.get("doc")
    if type(doc) is not dict:
        raise Misfit("the document is not an object")
    return op, identity, version, observed, doc


def find(node: Any, path: Sequence[str]) -> Any:  # noqa: ANN401
    """The value at a path; keys that themselves contain dots match too, lists are looked through.

    Raises Misfit where something else than an object stands on the way.
    """
    if not path or node is None:
        return node
    if type(node) is list:
        found = [find(item, path) for item in node]
        return [value for value in found if value is not None] or None
    if type(node) is not dict:
        raise Misfit(f"{shortened(node)} stands where an object with {path[0]} is declared")
    for length in range(1, len(path) + 1):
        value = find(node.get(".".join(path[:length])), path[length:])
        if value is not None:
            return value
    return None
