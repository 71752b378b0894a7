"""Reads a state machine's definition, and rejects what AWS rejects or what cannot run here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from emulator.json_types import Json, parse
from emulator.states.errors import InvalidDefinition

_COMMON = frozenset({"Type", "Comment", "QueryLanguage"})
_FLOW = frozenset({"Next", "End"})
_HANDLERS = frozenset({"Retry", "Catch"})
_RESULT = frozenset({"Output", "Assign"})
_PROCESSOR = frozenset({"ProcessorConfig", "StartAt", "States", "Comment", "QueryLanguage"})
STATE_FIELDS: Mapping[str, frozenset[str]] = {
    "Task": _COMMON | _FLOW | _HANDLERS | _RESULT | {"Resource", "Arguments", "TimeoutSeconds"},
    "Choice": _COMMON | _RESULT | {"Choices", "Default"},
    "Wait": _COMMON | _FLOW | _RESULT | {"Seconds"},
    "Pass": _COMMON | _FLOW | _RESULT,
    "Succeed": _COMMON | {"Output"},
    "Fail": _COMMON | {"Error", "Cause"},
    "Map": _COMMON
    | _FLOW
    | _HANDLERS
    | _RESULT
    | {
        "Items",
        "ItemSelector",
        "ItemProcessor",
        "ItemReader",
        "MaxConcurrency",
        "ToleratedFailurePercentage",
    },
}
_REQUIRED: Mapping[str, frozenset[str]] = {
    "Task": frozenset({"Resource"}),
    "Choice": frozenset({"Choices"}),
    "Wait": frozenset({"Seconds"}),
    "Map": frozenset({"ItemProcessor"}),
}
_RETRIER = frozenset(
    {
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
        "Comment",
    }
)
_CATCHER = frozenset({"ErrorEquals", "Next", "Output", "Assign", "Comment"})
_CHOICE_RULE = frozenset({"Condition", "Next", "Output", "Assign", "Comment"})
INTEGRATIONS = ("lambda:invoke", "glue:startJobRun.sync")
"""What a Task may call."""
_RESOURCE = re.compile(
    rf"^arn:aws[\w-]*:states:::(?P<call>{'|'.join(map(re.escape, INTEGRATIONS))})$"
)


@dataclass(frozen=True)
class Machine:
    """A flow of states: a state machine or a Map's processor."""

    start_at: str
    states: Mapping[str, Mapping[str, Json]]
    timeout_seconds: int | None


def read_definition(text: str) -> Machine:
    """Read a state machine's definition.

    Raises:
        InvalidDefinition: with the place and the reason.
    """
    try:
        definition = parse(text)
    except ValueError as error:
        raise InvalidDefinition(f"INVALID_JSON_DESCRIPTION: {error}") from error
    if not isinstance(definition, dict):
        raise _invalid("/", "the definition must be an object")
    language = definition.get("QueryLanguage", "JSONPath")
    allowed = frozenset({"StartAt", "States", "TimeoutSeconds", "Comment", "Version"})
    _only(definition, allowed | {"QueryLanguage"}, "/")
    return _read_flow(definition, language, "")


def read_processor(map_state: Mapping[str, Json]) -> Machine:
    """The flow that a (checked) Map state runs for each item."""
    processor = map_state["ItemProcessor"]
    assert isinstance(processor, dict)
    return _machine(processor)


def is_distributed(map_state: Mapping[str, Json]) -> bool:
    """Whether a (checked) Map state runs its items as executions of their own."""
    processor = map_state["ItemProcessor"]
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    return isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"


def objects(value: Json) -> list[Mapping[str, Json]]:
    """The objects of a (checked) list such as Retry, Catch or Choices; empty when it is missing."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def error_equals(handler: Mapping[str, Json]) -> list[str]:
    """The names of a (checked) retrier or catcher."""
    listed = handler.get("ErrorEquals")
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def called(resource: str) -> str:
    """The integration that a (checked) Task's Resource names, as `service:action`."""
    match = _RESOURCE.match(resource)
    assert match is not None
    return match["call"]


def _invalid(place: str, reason: str) -> InvalidDefinition:
    return InvalidDefinition(f"Invalid State Machine Definition: '{reason} at {place}'")


def _only(value: Mapping[str, Json], allowed: frozenset[str], place: str) -> None:
    for field in value:
        if field not in allowed:
            raise _invalid(f"{place}/{field}", f"the field {field} is not supported")


def _machine(flow: Mapping[str, Json]) -> Machine:
    start_at, states, timeout = flow["StartAt"], flow["States"], flow.get("TimeoutSeconds")
    assert isinstance(start_at, str)
    assert isinstance(states, dict)
    return Machine(
        start_at,
        {name: state for name, state in states.items() if isinstance(state, dict)},
        timeout if isinstance(timeout, int) else None,
    )


def _read_flow(flow: Mapping[str, Json], language: Json, place: str) -> Machine:
    states = flow.get("States")
    if not isinstance(states, dict) or not states:
        raise _invalid(f"{place}/States", "States must be an object with at least one state")
    if flow.get("StartAt") not in states:
        raise _invalid(
            f"{place}/StartAt", f"MISSING_TRANSITION_TARGET: no state {flow.get('StartAt')!r}"
        )
    reached = {flow["StartAt"]}
    for name, state in states.items():
        where = f"{place}/States/{name}"
        if not isinstance(state, dict):
            raise _invalid(where, "a state must be an object")
        reached |= _check_state(state, language, frozenset(states), where)
    for name in states:
        if name not in reached:
            raise _invalid(f"{place}/States/{name}", "no transition leads to the state")
    return _machine(flow)


def _check_state(
    state: Mapping[str, Json], language: Json, known: frozenset[str], where: str
) -> set[Json]:
    kind = state.get("Type")
    if not isinstance(kind, str) or kind not in STATE_FIELDS:
        raise _invalid(f"{where}/Type", f"{kind!r} is not a type of state that is emulated")
    if state.get("QueryLanguage", language) != "JSONata":
        raise _invalid(f"{where}/QueryLanguage", "only JSONata is interpreted here")
    _only(state, STATE_FIELDS[kind], where)
    for field in _REQUIRED.get(kind, frozenset()):
        if field not in state:
            raise _invalid(where, f"the field {field} is missing")
    targets: set[Json] = set()
    if "Next" in STATE_FIELDS[kind]:
        if ("Next" in state) == (state.get("End") is True):
            raise _invalid(where, "a state must have either Next or End")
        if "Next" in state:
            targets.add(_target(state["Next"], known, f"{where}/Next"))
    for field in ("Retry", "Catch"):
        handlers = _objects(state.get(field), f"{where}/{field}")
        if any("States.ALL" in error_equals(handler) for handler in handlers[:-1]):
            raise _invalid(f"{where}/{field}", "States.ALL must come last")
    for index, retrier in enumerate(_objects(state.get("Retry"), f"{where}/Retry")):
        _check_handler(retrier, _RETRIER, f"{where}/Retry[{index}]")
    for index, catcher in enumerate(_objects(state.get("Catch"), f"{where}/Catch")):
        _check_handler(catcher, _CATCHER, f"{where}/Catch[{index}]")
        targets.add(_target(catcher.get("Next"), known, f"{where}/Catch[{index}]/Next"))
    for index, rule in enumerate(_objects(state.get("Choices"), f"{where}/Choices")):
        _only(rule, _CHOICE_RULE, f"{where}/Choices[{index}]")
        if "Condition" not in rule:
            raise _invalid(f"{where}/Choices[{index}]", "the field Condition is missing")
        targets.add(_target(rule.get("Next"), known, f"{where}/Choices[{index}]/Next"))
    if "Default" in state:
        targets.add(_target(state["Default"], known, f"{where}/Default"))
    if kind == "Task":
        _check_resource(state["Resource"], where)
    if kind == "Map":
        _check_map(state, language, where)
    return targets


def _check_resource(resource: Json, where: str) -> None:
    if not isinstance(resource, str) or _RESOURCE.match(resource) is None:
        raise _invalid(
            f"{where}/Resource", f"the resource {resource!r} is not recognised or not emulated"
        )


def _check_handler(handler: Mapping[str, Json], allowed: frozenset[str], where: str) -> None:
    _only(handler, allowed, where)
    listed = handler.get("ErrorEquals")
    if not isinstance(listed, list) or not listed:
        raise _invalid(f"{where}/ErrorEquals", "ErrorEquals must be a list of error names")
    if "States.ALL" in listed and len(listed) > 1:
        raise _invalid(f"{where}/ErrorEquals", "States.ALL must stand alone")


def _check_map(state: Mapping[str, Json], language: Json, where: str) -> None:
    processor = state["ItemProcessor"]
    if not isinstance(processor, dict):
        raise _invalid(f"{where}/ItemProcessor", "must be an object")
    _only(processor, _PROCESSOR, f"{where}/ItemProcessor")
    distributed = is_distributed(state)
    for field in ("ItemReader", "ToleratedFailurePercentage"):
        if field in state and not distributed:
            raise _invalid(f"{where}/{field}", f"{field} needs a processor of Mode DISTRIBUTED")
    reader = state.get("ItemReader")
    if reader is not None:
        if not isinstance(reader, dict):
            raise _invalid(f"{where}/ItemReader", "must be an object")
        _only(reader, frozenset({"Resource", "Arguments", "ReaderConfig"}), f"{where}/ItemReader")
        config = reader.get("ReaderConfig")
        resource = str(reader.get("Resource"))
        if not resource.endswith(":states:::s3:getObject") or not (
            isinstance(config, dict) and config.get("InputType") == "JSON"
        ):
            raise _invalid(
                f"{where}/ItemReader", "only s3:getObject with InputType JSON is emulated"
            )
        if "Items" in state:
            raise _invalid(f"{where}/Items", "a Map has either Items or ItemReader")
    _read_flow(processor, language, f"{where}/ItemProcessor")


def _objects(value: Json, where: str) -> list[Mapping[str, Json]]:
    if value is None:
        return []
    found = objects(value)
    if not isinstance(value, list) or len(found) != len(value) or not found:
        raise _invalid(where, "must be a list of objects")
    return found


def _target(name: Json, known: frozenset[str], where: str) -> Json:
    if name not in known:
        raise _invalid(where, f"MISSING_TRANSITION_TARGET: no state {name!r}")
    return name
