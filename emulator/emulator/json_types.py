"""The type of a JSON value, and reading parts of one with a clear error."""

from __future__ import annotations

import json
from collections.abc import Mapping

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def compact(value: object) -> str:
    """The JSON text of a value as AWS writes it: no spaces, no ASCII escapes."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def line(value: object) -> bytes:
    """A value as one line for a Node worker.

    All is escaped to ASCII: Node's readline breaks lines at U+2028 too.
    """
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def parse(text: str | bytes) -> Json:
    """Parse a JSON text.

    Raises:
        ValueError: the text is not JSON.
    """
    value: Json = json.loads(text)
    return value


def size_bytes(value: Json) -> int:
    """The size of a value as AWS counts it: the bytes of its JSON text in UTF-8."""
    return len(compact(value).encode())


def text_of(value: Mapping[str, Json], key: str) -> str:
    """The text under a key.

    Raises:
        TypeError: it is missing or no text.
    """
    found = value.get(key)
    if not isinstance(found, str):
        raise TypeError(f"{key} must be a text, but is {compact(found)}")
    return found
