"""What Task states call, and how Retry, Catch and time-outs handle its failures."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from running_emulator import PROBE_SOURCE, Emulator, eventually

State = dict[str, Any]


def machine(**states: State) -> dict[str, Any]:
    """A machine that begins with its first state."""
    return {"StartAt": next(iter(states)), "States": states}


def task(resource: str, arguments: object, **fields: object) -> State:
    flow = {} if "Next" in fields else {"End": True}
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Arguments": arguments,
        **flow,
        **fields,
    }


def invoke(payload: object, **fields: object) -> State:
    given = {"FunctionName": "probe", "Payload": payload}
    return task("lambda:invoke", given, **{"Output": "{% $states.result.Payload %}", **fields})


CAUGHT = {"Type": "Pass", "End": True}


def catching(*names: str) -> list[dict[str, object]]:
    return [
        {
            "ErrorEquals": list(names),
            "Next": "Caught",
            "Output": {"error": "{% $states.errorOutput %}", "input": "{% $states.input %}"},
            "Assign": {"seen": "{% $states.errorOutput.Error %}"},
        }
    ]


def test_a_lambda_task_and_its_history(emulator: Emulator) -> None:
    ended = emulator.run(
        machine(
            A=invoke(
                "{% $states.input %}",
                Assign={"a": "{% $states.result.Payload.a %}"},
                Output={"status": "{% $states.result.StatusCode %}"},
                Next="B",
            ),
            B={"Type": "Pass", "Output": "{% [$a, $states.input.status] %}", "End": True},
        ),
        {"a": 1},
    )
    assert ended.output == [1, 200]
    assert ended.event_types[:7] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "PassStateEntered",
    ]
    scheduled = ended.history[2]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("lambda", "invoke")
    assert json.loads(scheduled["parameters"])["Payload"] == {"a": 1}


def test_retries_with_growing_intervals(emulator: Emulator) -> None:
    retry = [{"ErrorEquals": ["Boom"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 3}]
    payload = {"failTimes": 2, "key": str(uuid.uuid4())}
    ended = emulator.run(machine(A=invoke(payload, Retry=retry)))
    assert ended.output == {"attempt": 3}
    assert 3 <= ended.seconds < 6


def test_intervals_have_a_maximum_and_jitter(emulator: Emulator) -> None:
    retry = [
        {
            "ErrorEquals": ["Boom"],
            "IntervalSeconds": 30,
            "MaxDelaySeconds": 1,
            "JitterStrategy": "FULL",
            "MaxAttempts": 2,
        }
    ]
    payload = {"failTimes": 2, "key": str(uuid.uuid4())}
    ended = emulator.run(machine(A=invoke(payload, Retry=retry)))
    assert ended.output == {"attempt": 3}
    assert ended.seconds < 4


def test_each_retrier_counts_its_own_attempts(emulator: Emulator) -> None:
    retry = [
        {"ErrorEquals": ["Other"], "MaxAttempts": 5},
        {"ErrorEquals": ["Boom"], "IntervalSeconds": 1, "MaxAttempts": 1},
    ]
    ended = emulator.run(machine(A=invoke({"boom": True}, Retry=retry)))
    assert (ended.status, ended.error) == ("FAILED", "Boom")
    assert json.loads(ended.cause or "")["errorMessage"] == "boom!"
    assert ended.event_types.count("TaskFailed") == 2


def test_the_retry_count_is_in_the_context(emulator: Emulator) -> None:
    payload = {
        "failTimes": 1,
        "key": f"{uuid.uuid4()}",
        "log": "{% 'attempt ' & $states.context.State.RetryCount %}",
    }
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1}]
    ended = emulator.run(machine(A=invoke(payload, Retry=retry)))
    assert ended.output == {"attempt": 2}
    logged = [
        json.loads(event["taskScheduledEventDetails"]["parameters"])["Payload"]["log"]
        for event in ended.history
        if event["type"] == "TaskScheduled"
    ]
    assert logged == ["attempt 0", "attempt 1"]


def test_a_catch_sees_the_error_and_the_input(emulator: Emulator) -> None:
    caught = {
        "Type": "Pass",
        "Output": "{% $merge([$states.input, {'seen': $seen}]) %}",
        "End": True,
    }
    ended = emulator.run(
        machine(A=invoke({"boom": True}, Catch=catching("Boom")), Caught=caught), {"in": 1}
    )
    assert ended.output is not None
    assert ended.output["error"]["Error"] == "Boom"
    assert "boom!" in ended.output["error"]["Cause"]
    assert (ended.output["input"], ended.output["seen"]) == ({"in": 1}, "Boom")


@pytest.mark.parametrize(
    ("names", "caught"),
    [(("States.TaskFailed",), True), (("States.ALL",), True), (("States.Timeout",), False)],
)
def test_names_of_groups_of_errors(
    emulator: Emulator, names: tuple[str, ...], caught: bool
) -> None:
    ended = emulator.run(machine(A=invoke({"boom": True}, Catch=catching(*names)), Caught=CAUGHT))
    assert (ended.status == "SUCCEEDED") is caught


def test_states_all_does_not_catch_too_much_data(emulator: Emulator) -> None:
    too_much = {"bytes": 300_000}
    ended = emulator.run(machine(A=invoke(too_much, Catch=catching("States.ALL")), Caught=CAUGHT))
    assert (ended.status, ended.error) == ("FAILED", "States.DataLimitExceeded")
    ended = emulator.run(
        machine(A=invoke(too_much, Catch=catching("States.DataLimitExceeded")), Caught=CAUGHT)
    )
    assert ended.status == "SUCCEEDED"


def test_a_failed_expression_of_a_task_is_caught(emulator: Emulator) -> None:
    state = invoke({"a": 1}, Output="{% $states.result.Nothing %}", Catch=catching("States.ALL"))
    ended = emulator.run(machine(A=state, Caught=CAUGHT))
    assert ended.output is not None
    assert ended.output["error"]["Error"] == "States.QueryEvaluationError"


def test_a_function_goes_on_when_its_state_timed_out(emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "done"
    payload = {"sleepMs": 2000, "writeFile": str(file)}
    state = invoke(payload, TimeoutSeconds=1, Catch=catching("States.Timeout"))
    ended = emulator.run(machine(A=state, Caught=CAUGHT))
    assert ended.output is not None
    assert ended.output["error"]["Error"] == "States.Timeout"
    assert "TaskTimedOut" in ended.event_types
    assert not file.exists()
    assert eventually(file.exists, 10)


def test_a_function_goes_on_when_its_execution_was_stopped(
    emulator: Emulator, tmp_path: Path
) -> None:
    file = tmp_path / "done"
    arn = emulator.start(machine(A=invoke({"sleepMs": 2000, "writeFile": str(file)})))
    eventually(lambda: emulator.ask("GET", "/emulator/running")["lambdas"], 10)
    stopping = time.monotonic()
    emulator.states.stop_execution(executionArn=arn)
    assert emulator.ended(arn).status == "ABORTED"
    assert time.monotonic() - stopping < 1.5
    assert not file.exists()
    assert eventually(file.exists, 10)


def test_the_limits_of_lambda_are_errors_by_name(emulator: Emulator) -> None:
    emulator.create_function("short", PROBE_SOURCE, timeout_seconds=1)
    given = {"FunctionName": "short", "Payload": {"sleepMs": 5000}}
    ended = emulator.run(machine(A=task("lambda:invoke", given)))
    assert (ended.status, ended.error) == ("FAILED", "Sandbox.Timedout")
    ended = emulator.run(machine(A=invoke({"exit": 1})))
    assert ended.error == "Runtime.ExitError"
    missing = {"FunctionName": "no-such-function"}
    ended = emulator.run(machine(A=task("lambda:invoke", missing)))
    assert ended.error == "Lambda.ResourceNotFoundException"
