"""How definitions are found in the Data Catalog and read: without Spark and servers."""

import json
from pathlib import Path
from typing import Any

import pytest
from sluice_build.contract.stored_type import amended
from sluice_build.stores.catalog import (
    StackContent,
    choose_definitions,
    definitions_database,
    parse_definition,
    stack_of,
)

STORED = json.loads((Path(__file__).parents[1] / "catalog/stored-definitions.json").read_text())


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["glue"]["Name"])
def test_what_the_deployment_writes_is_understood(stored: dict[str, Any]) -> None:
    definition = parse_definition(stored["glue"])
    assert [
        {"name": c.name, "type": c.declared, "path": list(c.path), "nullable": c.nullable}
        for c in definition.columns
    ] == stored["columns"]
    assert definition.fingerprint == stored["fingerprint"]
    assert definitions_database("sluice", stack_of(definition.name, 16)) == stored["database"]


@pytest.mark.parametrize(
    ("glue", "amendments", "message"),
    [
        ("strng", {}, "'strng' in 'strng' is not a type"),
        ("array<string", {}, "the end stands for >"),
        ("int>", {}, "goes on with >"),
        ("a b", {}, "'a b' is not a type"),
        ("int", "json", "more is said of the type than int has places for"),
        ("string", "epoch_seconds", "'epoch_seconds' does not fit a string"),
        ("struct<a:int>", {"from": ["x", "y"]}, "more is said of the type"),
        ("struct<a:int>", {"from": "x"}, "amends no type"),
    ],
)
def test_a_type_that_is_none(glue: str, amendments: Any, message: str) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match=message):
        amended(glue, amendments)


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("sluice.format", "1", "sluice.format is 1, this job reads 2"),
        ("sluice.kind", "view", "neither table nor model"),
        ("sluice.required", "id,other", r"columns \['other'\] are described"),
        ("sluice.paths", '{"id":[]}', r"column id: \[\] is not a path"),
        ("sluice.types", "[]", r"sluice.types is \[\], not an object"),
        ("sluice.types", '{"id":"jsn"}', "column id: 'jsn' does not fit"),
    ],
)
def test_a_definition_that_is_none(parameter: str, value: str, message: str) -> None:
    glue = STORED[0]["glue"]
    with pytest.raises(ValueError, match=message):
        parse_definition({**glue, "Parameters": {**glue["Parameters"], parameter: value}})


def entry(name: str, fingerprint: str = "0" * 64) -> Any:  # noqa: ANN401
    glue = STORED[1]["glue"]
    parameters = {**glue["Parameters"], "sluice.fingerprint": fingerprint}
    return {**glue, "Name": name, "Parameters": parameters}


def stack(number: int, stacks: int | None, *entries: Any) -> StackContent:  # noqa: ANN401
    stamp: Any = {
        "Name": "_stack",
        "Parameters": {"sluice.format": "2", "sluice.stacks": str(stacks)},
    }
    tables = [*entries] if stacks is None else [*entries, stamp]
    return StackContent(definitions_database("d", number), tables)


LOW = next(name for name in "abcdefgh" if stack_of(name, 2) == 0)
HIGH = next(name for name in "abcdefgh" if stack_of(name, 2) == 1)


def names(*contents: StackContent) -> tuple[list[str], list[str]]:
    good, bad = choose_definitions(contents, 2)
    return [one.name for one in good], [one.name for one in bad]


def test_an_entry_is_where_it_was_until_its_stack_is_deployed() -> None:
    old = stack(0, 1, entry(LOW), entry(HIGH))
    assert names(old, StackContent("d_definitions_001", [])) == (sorted([LOW, HIGH]), [])
    # The same in both places is one; when all are deployed, what is left does not count.
    assert names(old, stack(1, 2, entry(HIGH))) == (sorted([LOW, HIGH]), [])
    settled = stack(0, 2, entry(LOW), entry(HIGH, "1" * 64))
    good, bad = choose_definitions((settled, stack(1, 2, entry(HIGH))), 2)
    assert {one.name: one.fingerprint for one in good} == {LOW: "0" * 64, HIGH: "0" * 64}
    assert bad == []
    assert names(settled, stack(1, 2)) == ([LOW], [])


def test_an_entry_that_is_defined_differently_twice_is_not_used() -> None:
    contents = (stack(0, 1, entry(LOW), entry(HIGH, "1" * 64)), stack(1, None, entry(HIGH)))
    assert names(*contents) == ([LOW], [HIGH])
    _, [bad] = choose_definitions(contents, 2)
    assert "defined differently in d_definitions_000 and d_definitions_001" in bad.reason
    assert bad.kind == "model"
