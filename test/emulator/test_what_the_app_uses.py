"""What the emulator handles is exactly what the app and its Lambda functions use."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from emulator.cloudformation.resources import HANDLERS
from emulator.redshift_queries import parse_statement
from emulator.redshift_sql import TRANSLATORS, kind_of, translate
from emulator.states.definition import INTEGRATIONS, STATE_FIELDS, called, read_definition
from running_emulator import PROJECT

README = PROJECT / "emulator" / "README.md"

TYPED_BY_PEOPLE = {"UPDATE", "MERGE"}
"""Statements of `sluice query`, and of tests, that Load does not send."""
LANGUAGE_FIELDS = {
    *("Comment", "QueryLanguage", "Assign", "Output", "Next", "End"),
    *("TimeoutSeconds", "Retry", "Catch"),
}
"""Fields of the states' language that any state may have from one day to the next."""


@dataclass
class Used:
    """What the engine uses."""

    types: set[str]
    statements: list[str]
    states: dict[str, set[str]] = field(default_factory=dict)
    """The fields of each type of state."""
    integrations: set[str] = field(default_factory=set)


@cache
def used() -> Used:
    """Synthesizes the app with its options, which takes seconds."""
    node = PROJECT / "node_modules" / ".bin" / "node"
    script = PROJECT / "test" / "emulator" / "app-contents.ts"
    ran = subprocess.run([node, script], capture_output=True, text=True, check=False, cwd=PROJECT)
    assert ran.returncode == 0, ran.stderr
    contents = json.loads(ran.stdout)
    result = Used(set(contents["types"]), contents["statements"])
    assert contents["machines"]
    for text in contents["machines"]:
        read_definition(text)
        for state in _states(json.loads(text)):
            result.states.setdefault(state["Type"], set()).update(state)
            if state["Type"] == "Task":
                result.integrations.add(called(state["Resource"]))
    return result


def _states(flow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for state in flow["States"].values():
        yield state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])


def test_resource_types() -> None:
    assert set(HANDLERS) == used().types


def test_statements() -> None:
    for sql in used().statements:
        translate(sql)
    sent = {kind_of(parse_statement(sql)) for sql in used().statements}
    assert set(TRANSLATORS) == sent | TYPED_BY_PEOPLE


def test_states_and_what_they_call() -> None:
    assert set(STATE_FIELDS) == set(used().states)
    assert set(INTEGRATIONS) == used().integrations
    for kind, fields in used().states.items():
        assert STATE_FIELDS[kind] - LANGUAGE_FIELDS == fields - LANGUAGE_FIELDS, kind


@pytest.mark.parametrize(
    ("heading", "handled"),
    [
        ("Resource types", set(HANDLERS)),
        ("Statements", set(TRANSLATORS)),
        ("States", set(STATE_FIELDS) | set(INTEGRATIONS)),
    ],
)
def test_the_readme_lists_what_is_handled(heading: str, handled: set[str]) -> None:
    section = re.search(
        rf"^### {heading}\n(.*?)(?=^#)", README.read_text(encoding="utf-8"), re.M | re.S
    )
    assert section is not None, f"README.md lacks the section {heading}"
    listed = re.findall(r"^- `([^`]+)`", section[1], re.M)
    assert listed == sorted(handled)
