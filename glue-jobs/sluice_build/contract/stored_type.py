"""The declared type of a column, from Glue's type and what is written beside it."""

import re

from sluice_build.contract.column_types import Json

_SCALARS: dict[str, Json] = {
    "string": "string",
    "boolean": "boolean",
    "int": "int",
    "bigint": "long",
    "float": "float",
    "double": "double",
    "date": "date",
    "timestamp": "timestamp",
    "binary": "binary",
}

_AMENDED: dict[tuple[str, Json], Json] = {
    ("string", "json"): "json",
    ("timestamp", "epoch_seconds"): {"timestamp": "epoch_seconds"},
}

_TOKEN = re.compile(r"[a-z0-9_]+|[<>(),:]")


def amended(glue: str, amendments: Json) -> Json:
    """The type as `contract/column-types.ts` declares it.

    The amendments are `{"type": […], "from": […]}`: from left to right, each `string` that is json
    and each `timestamp` that is sent as seconds since 1970, and the name in the source of each
    field of a struct. 0 stands for one that Glue's type says rightly, and so do those that are
    missing at the end. A text is the only one of its `type`.

    Raises ValueError if that is not a type, or the amendments do not fit it.
    """
    types: Json = [amendments] if isinstance(amendments, str) else []
    sources: Json = []
    if isinstance(amendments, dict):
        types, sources = amendments.get("type", []), amendments.get("from", [])
    if not isinstance(types, list) or not isinstance(sources, list):
        raise ValueError(f"{amendments!r} amends no type")
    reader = _Reader(glue, list(types), list(sources))
    declared = reader.type()
    if reader.tokens:
        raise ValueError(f"the type {glue} goes on with {''.join(reader.tokens)}")
    if reader.types or reader.sources:
        raise ValueError(f"more is said of the type than {glue} has places for")
    return declared


class _Reader:
    def __init__(self, glue: str, types: list[Json], sources: list[Json]) -> None:
        self.glue = glue
        self.tokens = _TOKEN.findall(glue)
        self.types = types
        self.sources = sources
        if "".join(self.tokens) != glue:
            raise ValueError(f"{glue!r} is not a type")

    def type(self) -> Json:
        word = self._next()
        match word:
            case "array":
                self._skip("<")
                element = self.type()
                self._skip(">")
                return {"list": element}
            case "map":
                for token in "<", "string", ",":
                    self._skip(token)
                value = self.type()
                self._skip(">")
                return {"map": value}
            case "struct":
                return {"struct": self._fields()}
            case "decimal":
                self._skip("(")
                precision = int(self._next())
                self._skip(",")
                scale = int(self._next())
                self._skip(")")
                return {"decimal": [precision, scale]}
            case "string" | "timestamp":
                amendment = self.types.pop(0) if self.types else 0
                if amendment == 0:
                    return word
                if (word, amendment) not in _AMENDED:
                    raise ValueError(f"{amendment!r} does not fit a {word}")
                return _AMENDED[word, amendment]
        if word not in _SCALARS:
            raise ValueError(f"{word!r} in {self.glue!r} is not a type")
        return _SCALARS[word]

    def _fields(self) -> list[Json]:
        fields: list[Json] = []
        self._skip("<")
        while True:
            name = self._next()
            self._skip(":")
            source = self.sources.pop(0) if self.sources else 0
            field: dict[str, Json] = {"name": name, "type": self.type()}
            fields.append(field if source == 0 else {**field, "from": source})
            if self._next(">", ",") == ">":
                return fields

    def _skip(self, token: str) -> None:
        self._next(token)

    def _next(self, *expected: str) -> str:
        token = self.tokens.pop(0) if self.tokens else "the end"
        if expected and token not in expected:
            raise ValueError(
                f"{self.glue!r} is not a type: {token} stands for {' or '.join(expected)}"
            )
        return token
