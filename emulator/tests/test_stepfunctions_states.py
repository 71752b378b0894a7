"""Flow, JSONata, limits and the life of an execution."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from running_emulator import Emulator, eventually

State = dict[str, Any]


def machine(**states: State) -> dict[str, Any]:
    """A machine that begins with its first state."""
    return {"StartAt": next(iter(states)), "States": states}


def passing(**fields: object) -> State:
    return {"Type": "Pass", "End": True, **fields}


def test_expressions_see_input_context_and_variables(emulator: Emulator) -> None:
    ended = emulator.run(
        machine(
            A={
                "Type": "Pass",
                "Assign": {"kept": "{% $states.input.text %}", "n": 2},
                "Output": {"old": "{% $exists($kept) %}"},
                "Next": "B",
            },
            B=passing(
                Output={
                    "old": "{% $states.input.old %}",
                    "kept": "{% $kept & '-' & $string($n) %}",
                    "name": "{% $states.context.Execution.Name %}",
                    "state": "{% $states.context.State.Name %}",
                    "input": "{% $states.context.Execution.Input.text %}",
                    "list": ["{% $n %}", {"deep": "{% $n + 1 %}"}],
                    "plain": "text",
                }
            ),
        ),
        {"text": 'he said "hi" \\ \n \u2028 ü'},
    )
    assert ended.status == "SUCCEEDED", ended
    text = 'he said "hi" \\ \n \u2028 ü'
    assert ended.output == {
        "old": False,
        "kept": f"{text}-2",
        "name": ended.arn.rpartition(":")[2],
        "state": "B",
        "input": text,
        "list": [2, {"deep": 3}],
        "plain": "text",
    }


def test_functions_of_jsonata_and_of_step_functions(emulator: Emulator) -> None:
    ended = emulator.run(
        machine(
            A=passing(
                Output={
                    "filtered": "{% $states.input.items[x>1] %}",
                    "mapped": "{% $map([1,2], function($v){$v*2}) %}",
                    "block": "{% ($a := 1; $a + 1) %}",
                    "partition": "{% $partition([1,2,3], 2) %}",
                    "range": "{% $range(0, 4, 2) %}",
                    "hash": "{% $hash('a', 'SHA-256') %}",
                    "uuid": "{% $length($uuid()) %}",
                    "parsed": "{% $parse('{\"k\":1}').k %}",
                    "now": "{% $exists($now()) %}",
                    "null": "{% null %}",
                }
            )
        ),
        {"items": [{"x": 1}, {"x": 2}]},
    )
    assert ended.output is not None, ended
    assert ended.output["hash"].startswith("ca978112")
    del ended.output["hash"]
    assert ended.output == {
        "filtered": {"x": 2},
        "mapped": [2, 4],
        "block": 2,
        "partition": [[1, 2], [3]],
        "range": [0, 2, 4],
        "uuid": 36,
        "parsed": 1,
        "now": True,
        "null": None,
    }


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("{% $states.input.a.b + 'x' %}", "T2002"),
        ("{% $states.input.nothing %}", "returned nothing"),
        ("{% $eval('1') %}", "$eval is not supported"),
    ],
)
def test_an_expression_that_fails(emulator: Emulator, expression: str, reason: str) -> None:
    ended = emulator.run(machine(A=passing(Output={"x": expression})), {"a": {"b": 1}})
    assert (ended.status, ended.error) == ("FAILED", "States.QueryEvaluationError")
    assert reason in (ended.cause or "")
    assert "Output/x" in (ended.cause or "")
    assert ended.event_types[-2:] == ["EvaluationFailed", "ExecutionFailed"]


def test_choices(emulator: Emulator) -> None:
    chooses = machine(
        C={
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $states.input.k = 'a' %}",
                    "Next": "Yes",
                    "Assign": {"by": "rule"},
                    "Output": "{% $states.input.k %}",
                }
            ],
            "Default": "No",
            "Assign": {"by": "default"},
        },
        Yes=passing(Output="{% $states.input & ' ' & $by %}"),
        No=passing(Output="{% $by %}"),
    )
    assert emulator.run(chooses, {"k": "a"}).output == "a rule"
    assert emulator.run(chooses, {"k": "b"}).output == "default"


def test_no_choice_matches(emulator: Emulator) -> None:
    rule = {"Condition": "{% $states.input.k = 'a' %}", "Next": "Y"}
    ended = emulator.run(machine(C={"Type": "Choice", "Choices": [rule]}, Y=passing()), {"k": 1})
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")


def test_waits_and_ends(emulator: Emulator) -> None:
    ended = emulator.run(
        machine(
            W={"Type": "Wait", "Seconds": "{% $states.input.s %}", "Next": "S"},
            S={"Type": "Succeed", "Output": {"waited": "{% $states.input.s %}"}},
        ),
        {"s": 1},
    )
    assert ended.output == {"waited": 1}
    assert ended.seconds >= 1
    assert ended.event_types == [
        "ExecutionStarted",
        "WaitStateEntered",
        "WaitStateExited",
        "SucceedStateEntered",
        "SucceedStateExited",
        "ExecutionSucceeded",
    ]


def test_fails_with_what_it_computed(emulator: Emulator) -> None:
    fails = {"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "{% 'c ' & 'd' %}"}
    ended = emulator.run(machine(F=fails), {"e": "E1"})
    assert (ended.status, ended.error, ended.cause) == ("FAILED", "E1", "c d")


def test_an_execution_times_out(emulator: Emulator) -> None:
    waits = machine(W={"Type": "Wait", "Seconds": 30, "End": True})
    ended = emulator.run({"TimeoutSeconds": 1, **waits})
    assert ended.status == "TIMED_OUT"
    assert ended.seconds < 5
    assert ended.event_types[-1] == "ExecutionTimedOut"


def test_an_execution_is_stopped(emulator: Emulator) -> None:
    arn = emulator.start(machine(W={"Type": "Wait", "Seconds": 30, "End": True}))
    emulator.states.stop_execution(executionArn=arn, error="Enough", cause="tests")
    ended = emulator.ended(arn)
    assert (ended.status, ended.error, ended.cause) == ("ABORTED", "Enough", "tests")
    assert ended.event_types[-1] == "ExecutionAborted"


def test_the_same_name_is_the_same_execution_while_it_runs(emulator: Emulator) -> None:
    created = emulator.create_machine(machine(W={"Type": "Wait", "Seconds": 30, "End": True}))
    name = str(uuid.uuid4())

    def start(value: object) -> str:
        started = emulator.states.start_execution(
            stateMachineArn=created, name=name, input=json.dumps(value)
        )
        return started["executionArn"]

    arn = start({"a": 1})
    assert start({"a": 1}) == arn
    with pytest.raises(emulator.states.exceptions.ExecutionAlreadyExists):
        start({"a": 2})
    emulator.states.stop_execution(executionArn=arn)
    with pytest.raises(emulator.states.exceptions.ExecutionAlreadyExists):
        start({"a": 1})


def test_a_running_execution_keeps_its_definition(emulator: Emulator) -> None:
    waits = {"Type": "Wait", "Seconds": 1, "Next": "P"}
    arn = emulator.create_machine(machine(W=waits, P=passing(Output="old")))
    first = emulator.states.start_execution(stateMachineArn=arn)["executionArn"]
    new = {"QueryLanguage": "JSONata", **machine(P=passing(Output="new"))}
    emulator.states.update_state_machine(stateMachineArn=arn, definition=json.dumps(new))
    second = emulator.states.start_execution(stateMachineArn=arn)["executionArn"]
    assert emulator.ended(second).output == "new"
    assert emulator.ended(first).output == "old"
    listed = emulator.states.list_executions(stateMachineArn=arn, statusFilter="SUCCEEDED")
    assert {item["executionArn"] for item in listed["executions"]} == {first, second}


def test_an_endless_loop_ends_at_25000_events(emulator: Emulator) -> None:
    arn = emulator.start(machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}))

    def error() -> str | None:
        return emulator.states.describe_execution(executionArn=arn).get("error")

    assert eventually(error, 30) == "States.Runtime"
    newest = emulator.states.get_execution_history(
        executionArn=arn, reverseOrder=True, maxResults=1
    )
    assert [(event["id"], event["type"]) for event in newest["events"]] == [
        (25_000, "ExecutionFailed")
    ]


def test_a_payload_over_256_kib_is_rejected(emulator: Emulator) -> None:
    doubled = passing(Output="{% $states.input & $states.input %}")
    ended = emulator.run(machine(A=doubled), "x" * 200_000)
    assert (ended.status, ended.error) == ("FAILED", "States.DataLimitExceeded")
    with pytest.raises(ClientError, match="ValidationException"):
        emulator.start(machine(A=passing()), "x" * 262_144)


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (machine(A={"Type": "Pass", "Next": "Nowhere"}), "MISSING_TRANSITION_TARGET"),
        (machine(A={"Type": "Pass"}), "either Next or End"),
        (machine(A=passing(), B=passing()), "no transition leads"),
        (machine(A=passing(ResultPath="$.x")), "ResultPath is not supported"),
        (
            machine(A={"Type": "Task", "Resource": "arn:aws:states:::no:such", "End": True}),
            "no:such",
        ),
        (
            machine(
                A={"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun", "End": True}
            ),
            "glue:startJobRun",
        ),
        (
            machine(
                A={
                    "Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke",
                    "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["Boom"]}],
                    "End": True,
                }
            ),
            "States.ALL must come last",
        ),
        (machine(A={"Type": "Parallel", "Branches": [], "End": True}), "'Parallel' is not a type"),
        (machine(A={"Type": "Wait", "Timestamp": "x", "End": True}), "Timestamp is not supported"),
        ({**machine(A=passing()), "QueryLanguage": "JSONPath"}, "only JSONata"),
    ],
)
def test_a_definition_that_is_rejected(
    emulator: Emulator, definition: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ClientError, match="InvalidDefinition") as rejected:
        emulator.create_machine(definition)
    assert reason in str(rejected.value)


def test_many_executions_at_once(emulator: Emulator) -> None:
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "probe", "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload.n %}",
        "End": True,
    }
    each = {
        "Type": "Map",
        "Items": "{% $map($range(1, 5, 1), function($v) {{'n': $v}}) %}",
        "MaxConcurrency": 1,
        "ItemProcessor": machine(L=invoke),
        "End": True,
    }
    arn = emulator.create_machine(machine(M=each))
    started = time.monotonic()
    arns = [emulator.states.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(10)]

    def all_ended() -> bool:
        return all(
            emulator.states.describe_execution(executionArn=one)["status"] != "RUNNING"
            for one in arns
        )

    eventually(all_ended, 60)
    assert time.monotonic() - started < 40
    assert [emulator.ended(one).output for one in arns] == [[1, 2, 3, 4, 5]] * 10
