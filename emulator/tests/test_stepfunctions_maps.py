"""Inline Maps and Distributed Maps."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from running_emulator import Emulator

State = dict[str, Any]


def machine(**states: State) -> dict[str, Any]:
    """A machine that begins with its first state."""
    return {"StartAt": next(iter(states)), "States": states}


INVOKE: State = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Arguments": {"FunctionName": "probe", "Payload": "{% $states.input %}"},
    "Output": "{% $states.result.Payload %}",
    "End": True,
}
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
CAUGHT: State = {"Type": "Pass", "Output": "{% $states.input.Error %}", "End": True}


def mapping(processor: dict[str, Any], **fields: object) -> State:
    flow = {} if "Next" in fields else {"End": True}
    return {
        "Type": "Map",
        "Items": "{% $states.input.items %}",
        "ItemProcessor": processor,
        **flow,
        **fields,
    }


def distributed(**fields: object) -> State:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return mapping({"ProcessorConfig": config, **machine(L=INVOKE)}, **fields)


def test_an_inline_map(emulator: Emulator) -> None:
    state = mapping(
        machine(
            A={
                "Type": "Pass",
                "Assign": {"mine": "{% $states.input.v %}"},
                "Next": "B",
            },
            B={
                "Type": "Pass",
                "Output": "{% [$outer, $mine, $states.context.Map.Item.Index] %}",
                "End": True,
            },
        ),
        MaxConcurrency="{% $states.input.atOnce %}",
        ItemSelector={"v": "{% $states.context.Map.Item.Value.x %}"},
        Output={"all": "{% $states.result %}", "mine": "{% $exists($mine) %}"},
    )
    first = {
        "Type": "Pass",
        "Assign": {"outer": "o"},
        "Output": "{% $states.input %}",
        "Next": "M",
    }
    ended = emulator.run(machine(A=first, M=state), {"items": [{"x": 1}, {"x": 2}], "atOnce": 1})
    assert ended.output == {"all": [["o", 1, 0], ["o", 2, 1]], "mine": False}, ended
    assert ended.event_types.count("MapIterationSucceeded") == 2
    assert "MapStateSucceeded" in ended.event_types


def test_so_many_iterations_at_once(emulator: Emulator, tmp_path: Path) -> None:
    selector = {
        "sleepMs": 300,
        "folder": str(tmp_path),
        "i": "{% $states.context.Map.Item.Index %}",
    }
    state = mapping(machine(L=INVOKE), MaxConcurrency=2, ItemSelector=selector)
    ended = emulator.run(machine(M=state), {"items": [1, 2, 3, 4, 5, 6]})
    assert ended.output is not None, ended
    assert max(item["active"] for item in ended.output) == 2
    assert [item["i"] for item in ended.output] == [0, 1, 2, 3, 4, 5]


def test_a_long_map_one_at_a_time(emulator: Emulator) -> None:
    state = mapping(machine(P={"Type": "Pass", "End": True}), MaxConcurrency=1)
    ended = emulator.run(machine(M=state), {"items": list(range(500))})
    assert ended.output == list(range(500))


def test_no_items(emulator: Emulator) -> None:
    state = mapping(machine(P={"Type": "Pass", "End": True}))
    assert emulator.run(machine(M=state), {"items": []}).output == []
    ended = emulator.run(machine(M=state), {"items": "text"})
    assert ended.error == "States.QueryEvaluationError"


def test_a_failed_iteration_fails_the_map_which_is_caught(emulator: Emulator) -> None:
    slow = {"sleepMs": 2000}
    state = mapping(machine(L=INVOKE), Catch=CATCH)
    ended = emulator.run(machine(M=state, Caught=CAUGHT), {"items": [{"boom": True}, slow]})
    assert ended.output == "Boom"
    assert ended.seconds < 1.9
    for kind in ("MapIterationFailed", "MapIterationAborted", "MapStateFailed"):
        assert kind in ended.event_types


def test_a_failed_map_is_tried_again(emulator: Emulator) -> None:
    retry = [{"ErrorEquals": ["Boom"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    state = mapping(machine(L=INVOKE), Retry=retry)
    items = [{"failTimes": 1, "key": str(uuid.uuid4())}]
    assert emulator.run(machine(M=state), {"items": items}).output == [{"attempt": 2}]


def test_a_failure_caught_within_an_iteration(emulator: Emulator) -> None:
    state = mapping(machine(L={**INVOKE, "Catch": CATCH}, Caught=CAUGHT))
    ended = emulator.run(machine(M=state), {"items": [{"x": 1}, {"boom": True}]})
    assert ended.output == [{"x": 1}, "Boom"]


def test_a_distributed_map_runs_executions_of_their_own(emulator: Emulator) -> None:
    state = distributed(MaxConcurrency=2)
    ended = emulator.run(machine(M=state), {"items": [{"x": 1}, {"x": 2}, {"x": 3}]})
    assert ended.output == [{"x": 1}, {"x": 2}, {"x": 3}], ended
    assert "MapRunSucceeded" in ended.event_types
    assert "TaskSucceeded" not in ended.event_types
    (run,) = emulator.states.list_map_runs(executionArn=ended.arn)["mapRuns"]
    described = emulator.states.describe_map_run(mapRunArn=run["mapRunArn"])
    assert described["itemCounts"]["succeeded"] == 3
    children = emulator.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert len(children) == 3
    child = emulator.states.describe_execution(executionArn=children[0]["executionArn"])
    assert "input" in child
    assert json.loads(child["input"]) in [{"x": 1}, {"x": 2}, {"x": 3}]


def test_a_distributed_map_reads_its_items_from_s3(emulator: Emulator) -> None:
    bucket = f"items-{uuid.uuid4()}"
    emulator.s3.create_bucket(Bucket=bucket)
    emulator.s3.put_object(Bucket=bucket, Key="items", Body=b'[{"x": 1}, {"x": 2}]')
    state = distributed(
        ItemReader={
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Arguments": {"Bucket": "{% $states.input.bucket %}", "Key": "items"},
        },
        ItemSelector={
            "y": "{% $states.context.Map.Item.Value.x %}",
            "bucket": "{% $states.input.bucket %}",
        },
    )
    del state["Items"]
    ended = emulator.run(machine(M=state), {"bucket": bucket})
    assert ended.output == [{"y": 1, "bucket": bucket}, {"y": 2, "bucket": bucket}], ended


def test_items_that_cannot_be_read(emulator: Emulator) -> None:
    state = distributed(
        ItemReader={
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Arguments": {"Bucket": "no-such-bucket", "Key": "items"},
        },
    )
    del state["Items"]
    assert emulator.run(machine(M=state)).error == "States.ItemReaderFailed"


def test_tolerated_failures(emulator: Emulator) -> None:
    items = {"items": [{"x": 1}, {"boom": True}]}
    ended = emulator.run(machine(M=distributed(ToleratedFailurePercentage=50)), items)
    assert (ended.status, ended.output) == ("SUCCEEDED", [{"x": 1}])
    ended = emulator.run(machine(M=distributed(Catch=CATCH), Caught=CAUGHT), items)
    assert ended.output == "States.ExceedToleratedFailureThreshold"


def test_a_stopped_execution_stops_its_children(emulator: Emulator) -> None:
    waits = {"Type": "Wait", "Seconds": 30, "End": True}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    state = mapping({"ProcessorConfig": config, **machine(W=waits)})
    arn = emulator.start(machine(M=state), {"items": [1, 2]})
    emulator.states.stop_execution(executionArn=arn)
    assert emulator.ended(arn).status == "ABORTED"
    for run in emulator.states.list_map_runs(executionArn=arn)["mapRuns"]:
        children = emulator.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        assert {child["status"] for child in children} <= {"ABORTED"}
