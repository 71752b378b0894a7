"""The names of the tags that record, with the data, what of it is applied."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_TABLE = re.compile(r"sluice\.(\d+)\.([0-9a-f]{1,12})\.(\d+)")
_MODEL = re.compile(r"sluice\.([0-9a-f]{12})\.(\d+)")


@dataclass(frozen=True)
class Applied:
    """What the newest tagged ancestor of main says.

    `through` is the last applied manifest (0 for a model), `fingerprints` those that led to this
    content, each its first 12 hex digits.
    """

    through: int
    fingerprints: frozenset[str]
    content_id: str


def table_tag(through: int, fingerprint: str, content_id: str) -> str:
    """The tag of a table that has manifests up to `through` applied."""
    return f"sluice.{through}.{fingerprint[:12]}.{content_id}"


def model_tag(fingerprint: str, content_id: str) -> str:
    """The tag of a model; `fingerprint` is model_fingerprint()."""
    return f"sluice.{fingerprint[:12]}.{content_id}"


def model_fingerprint(definition: str, inputs: Mapping[str, str]) -> str:
    """What decides a model's content: its definition and its inputs' content ids."""
    text = "\n".join([definition, *(f"{name}={inputs[name]}" for name in sorted(inputs))])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def is_ours(tag: str) -> bool:
    """True for a tag that the build made."""
    return tag.startswith("sluice.")


def newest(ancestry: Iterable[int], tags: Mapping[int, Iterable[str]]) -> Applied | None:
    """What is applied: the tags of the first snapshot in main's ancestry, newest first, with any.

    Several can be on one snapshot: each commit without changed rows adds one. The content is the
    same, so the highest manifest counts, and each fingerprint with it.
    """
    for snapshot in ancestry:
        found = [parsed for tag in tags.get(snapshot, ()) if (parsed := _parse(tag)) is not None]
        if found:
            through = max(item.through for item in found)
            at_last = [item for item in found if item.through == through]
            return Applied(
                through,
                frozenset().union(*(item.fingerprints for item in at_last)),
                at_last[0].content_id,
            )
    return None


def _parse(tag: str) -> Applied | None:
    if match := _TABLE.fullmatch(tag):
        return Applied(int(match[1]), frozenset([match[2]]), match[3])
    if match := _MODEL.fullmatch(tag):
        return Applied(0, frozenset([match[1]]), match[2])
    return None
