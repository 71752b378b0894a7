"""Walks through a state machine's states: JSONata, Retry, Catch, time-outs and Maps."""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from emulator.json_types import Json, compact, parse, size_bytes
from emulator.states import errors
from emulator.states.definition import (
    Machine,
    called,
    error_equals,
    is_distributed,
    objects,
    read_processor,
)
from emulator.states.errors import HistoryFull, StateError, TaskError
from emulator.states.execution import Execution, MapRun, timestamp
from emulator.states.history import MAX_EVENTS, Trail, data
from emulator.states.jsonata import Jsonata, JsonataError
from emulator.states.tasks import Tasks, call_of, object_of

MAX_PAYLOAD_BYTES = 256 * 1024
_INLINE_CONCURRENCY = 40
_DISTRIBUTED_CONCURRENCY = 10_000

Variables = Mapping[str, Json]


class MapRuns(Protocol):
    """Where the runs of Distributed Maps and their child executions are kept."""

    def add_map_run(self, run: MapRun) -> None:
        """Keep a run, so that it can be listed."""

    def add_child(self, run: MapRun, child: Execution) -> None:
        """Keep a child execution, so that it can be described and stopped."""


@dataclass
class Scope:
    """Where one branch of an execution stands: its variables, its place in the history."""

    execution: Execution
    trail: Trail
    variables: Variables
    map_item: Mapping[str, Json] | None = None

    def add(self, kind: str, details: dict[str, Json] | None = None, key: str = "") -> int:
        """Add an event to the history of the execution."""
        return self.execution.history.add(self.trail, kind, details, key)


@dataclass
class Visit:
    """One stay in a state."""

    scope: Scope
    name: str
    state: Mapping[str, Json]
    input: Json
    entered: datetime
    retry_count: int = 0

    def bindings(self, **states: Json) -> dict[str, Json]:
        """The variables of this state's expressions, with what more `$states` holds."""
        context: dict[str, Json] = {
            **self.scope.execution.context(),
            "State": {
                "Name": self.name,
                "EnteredTime": timestamp(self.entered),
                "RetryCount": self.retry_count,
            },
        }
        if self.scope.map_item is not None:
            context["Map"] = {"Item": dict(self.scope.map_item)}
        return {
            **self.scope.variables,
            "states": {"input": self.input, "context": context, **states},
        }


@dataclass(frozen=True)
class Step:
    """What a state leads to: its output, and the next state unless it ends."""

    output: Json
    next: str | None
    assigned: Mapping[str, Json]


class Interpreter:
    """Runs executions on one event loop."""

    def __init__(self, jsonata: Jsonata, tasks: Tasks, runs: MapRuns, region: str) -> None:
        self._jsonata = jsonata
        self._tasks = tasks
        self._runs = runs
        self._region = region

    async def run(self, execution: Execution) -> None:
        """Run an execution to its end, which is written into it; raises nothing."""
        trail = Trail(0)
        scope = Scope(execution, trail, {})
        history = execution.history
        started: dict[str, Json] = {
            **data("input", execution.input_value),
            "roleArn": execution.role_arn,
        }
        history.add(trail, "ExecutionStarted", started)
        limit = asyncio.timeout(execution.machine.timeout_seconds)
        try:
            async with limit:
                output = await self._flow(execution.machine, execution.input_value, scope)
            history.add(trail, "ExecutionSucceeded", data("output", output))
            execution.succeed(output)
        except StateError as error:
            _fail(execution, trail, error.error, error.cause)
        except HistoryFull:
            cause = f"The execution reached the maximum number of history events ({MAX_EVENTS})."
            _fail(execution, trail, errors.RUNTIME, cause)
        except TimeoutError as error:
            if limit.expired():
                history.add(trail, "ExecutionTimedOut", {})
                execution.fail("TIMED_OUT")
            else:
                _fail(execution, trail, errors.RUNTIME, repr(error))
        except asyncio.CancelledError:
            details: dict[str, Json] = {
                "error": execution.stop_error,
                "cause": execution.stop_cause,
            }
            details = {key: value for key, value in details.items() if value is not None}
            history.add(Trail(0), "ExecutionAborted", details)
            execution.fail("ABORTED", execution.stop_error, execution.stop_cause)
        except Exception as error:
            _fail(execution, trail, errors.RUNTIME, repr(error))

    async def _flow(self, machine: Machine, value: Json, scope: Scope) -> Json:
        name: str | None = machine.start_at
        while name is not None:
            step = await self._visit(name, machine.states[name], value, scope)
            scope.variables = {**scope.variables, **step.assigned}
            value, name = step.output, step.next
        return value

    async def _visit(self, name: str, state: Mapping[str, Json], value: Json, scope: Scope) -> Step:
        visit = Visit(scope, name, state, value, datetime.now(UTC))
        kind = str(state["Type"])
        scope.add(
            f"{kind}StateEntered",
            {"name": name, **data("input", value)},
            "stateEnteredEventDetails",
        )
        try:
            if kind in ("Task", "Map"):
                step = await self._with_handlers(visit)
            else:
                step = await self._simple(visit)
            _check_size(step.output, f"The state '{name}' returned a result")
        except JsonataError as error:
            _add_evaluation_failed(visit, error)
            raise
        exited: dict[str, Json] = {"name": name, **data("output", step.output)}
        if step.assigned:
            exited["assignedVariables"] = {
                variable: compact(assigned) for variable, assigned in step.assigned.items()
            }
        if kind != "Fail":
            scope.add(f"{kind}StateExited", exited, "stateExitedEventDetails")
        # One step of the loop, so that a machine of Pass states can be stopped.
        await asyncio.sleep(0)
        return step

    # States that cannot fail but by their expressions.

    async def _simple(self, visit: Visit) -> Step:
        kind = visit.state["Type"]
        if kind == "Choice":
            return await self._choice(visit)
        if kind == "Fail":
            raise StateError(
                str(await self._fill(visit, "Error", "")), str(await self._fill(visit, "Cause", ""))
            )
        if kind == "Wait":
            await asyncio.sleep(await self._number(visit, "Seconds"))
        return await self._leave(visit, visit.state, visit.input, visit.bindings())

    async def _choice(self, visit: Visit) -> Step:
        bindings = visit.bindings()
        for index, rule in enumerate(objects(visit.state["Choices"])):
            field = f"Choices[{index}]/Condition"
            matches = await self._jsonata.fill(rule["Condition"], bindings, field)
            if not isinstance(matches, bool):
                raise StateError(
                    errors.QUERY_EVALUATION_ERROR,
                    f"The field '{field}' must be a boolean, but is {compact(matches)}",
                )
            if matches:
                return await self._leave(visit, rule, visit.input, bindings)
        if "Default" not in visit.state:
            raise StateError(
                errors.RUNTIME,
                f"Failed to transition out of the state '{visit.name}'. No choice rule matched.",
            )
        step = await self._leave(visit, visit.state, visit.input, bindings)
        return Step(step.output, str(visit.state["Default"]), step.assigned)

    async def _leave(
        self, visit: Visit, outlet: Mapping[str, Json], default: Json, bindings: dict[str, Json]
    ) -> Step:
        """The step out of a state, a Choice's rule or a Catch: its Output, Assign and Next."""
        output = default
        if "Output" in outlet:
            output = await self._jsonata.fill(outlet["Output"], bindings, "Output")
        assigned = await self._jsonata.fill(outlet.get("Assign", {}), bindings, "Assign")
        following = outlet.get("Next")
        return Step(
            output,
            following if isinstance(following, str) else None,
            object_of(assigned, "Assign"),
        )

    async def _fill(self, visit: Visit, field: str, default: Json) -> Json:
        if field not in visit.state:
            return default
        return await self._jsonata.fill(visit.state[field], visit.bindings(), field)

    async def _number(self, visit: Visit, field: str) -> float:
        value = await self._fill(visit, field, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise StateError(
                errors.QUERY_EVALUATION_ERROR,
                f"The field '{field}' must be a number of 0 or more, but is {compact(value)}",
            )
        return value

    # States that can be retried and caught.

    async def _with_handlers(self, visit: Visit) -> Step:
        tries: dict[int, int] = {}
        while True:
            try:
                result = await self._attempt(visit)
                return await self._leave(visit, visit.state, result, visit.bindings(result=result))
            except StateError as error:
                if isinstance(error, JsonataError):
                    _add_evaluation_failed(visit, error)
                delay = _retry_delay_seconds(objects(visit.state.get("Retry")), tries, error)
                if delay is None:
                    return await self._caught(visit, error)
                visit.retry_count += 1
                await asyncio.sleep(delay)

    async def _caught(self, visit: Visit, error: StateError) -> Step:
        for catcher in objects(visit.state.get("Catch")):
            if errors.names(error_equals(catcher), error.error):
                output: Json = {"Error": error.error, "Cause": error.cause}
                return await self._leave(visit, catcher, output, visit.bindings(errorOutput=output))
        raise error

    async def _attempt(self, visit: Visit) -> Json:
        if visit.state["Type"] == "Task":
            return await self._task(visit)
        try:
            result = await self._map(visit)
            _check_size(result, f"The state '{visit.name}' returned a result")
        except StateError:
            visit.scope.add("MapStateFailed")
            raise
        visit.scope.add("MapStateSucceeded")
        return result

    async def _task(self, visit: Visit) -> Json:
        call = call_of(called(str(visit.state["Resource"])))
        arguments = object_of(await self._fill(visit, "Arguments", {}), "Arguments")
        _check_size(dict(arguments), f"The state '{visit.name}' made a request")
        shown: dict[str, Json] = {"resourceType": call.resource_type, "resource": call.resource}
        seconds = None
        scheduled = {**shown, "region": self._region, "parameters": compact(arguments)}
        if "TimeoutSeconds" in visit.state:
            seconds = await self._number(visit, "TimeoutSeconds")
            scheduled["timeoutInSeconds"] = seconds
        scope = visit.scope
        scope.add("TaskScheduled", scheduled)
        scope.add("TaskStarted", {**shown})

        def submitted(response: Json) -> None:
            scope.add("TaskSubmitted", {**shown, **data("output", response)})

        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                result = await self._tasks.run(call, arguments, submitted)
            _check_size(result, f"The state/task '{call.resource_type}' returned a result")
        except TimeoutError as error:
            if not limit.expired():
                raise
            scope.add("TaskTimedOut", {**shown, "error": errors.TIMEOUT})
            raise StateError(errors.TIMEOUT, "") from error
        except StateError as error:
            scope.add("TaskFailed", {**shown, "error": error.error, "cause": error.cause})
            raise
        scope.add("TaskSucceeded", {**shown, **data("output", result)})
        return result

    async def _map(self, visit: Visit) -> Json:
        concurrency = int(await self._number(visit, "MaxConcurrency"))
        items = await self._items(visit)
        visit.scope.add("MapStateStarted", {"length": len(items)})
        if is_distributed(visit.state):
            return await self._distributed_map(visit, items, concurrency)
        return await self._inline_map(visit, items, concurrency)

    async def _items(self, visit: Visit) -> list[Json]:
        if "ItemReader" in visit.state:
            return await self._read_items(visit)
        items = await self._fill(visit, "Items", visit.input)
        if not isinstance(items, list):
            raise StateError(
                errors.QUERY_EVALUATION_ERROR,
                f"The field 'Items' must be an array, but is {compact(items)[:200]}",
            )
        return items

    async def _read_items(self, visit: Visit) -> list[Json]:
        reader = object_of(visit.state["ItemReader"], "ItemReader")
        arguments = object_of(
            await self._jsonata.fill(
                reader.get("Arguments", {}), visit.bindings(), "ItemReader/Arguments"
            ),
            "ItemReader/Arguments",
        )
        try:
            items = parse(str((await self._tasks.sdk("s3", "GetObject", arguments))["Body"]))
        except (TaskError, ValueError) as error:
            raise StateError(errors.ITEM_READER_FAILED, str(error)) from error
        if not isinstance(items, list):
            raise StateError(
                errors.ITEM_READER_FAILED,
                f"s3://{arguments.get('Bucket')}/{arguments.get('Key')} holds no JSON array",
            )
        return items

    async def _item_input(self, visit: Visit, scope: Scope) -> Json:
        if "ItemSelector" not in visit.state:
            assert scope.map_item is not None
            return scope.map_item["Value"]
        here = Visit(scope, visit.name, visit.state, visit.input, visit.entered, visit.retry_count)
        return await self._fill(here, "ItemSelector", None)

    async def _inline_map(self, visit: Visit, items: Sequence[Json], concurrency: int) -> Json:
        machine = read_processor(visit.state)
        failed = False

        async def iteration(index: int) -> Json:
            nonlocal failed
            scope = self._inner(visit.scope, {"Index": index, "Value": items[index]})
            shown: dict[str, Json] = {"name": visit.name, "index": index}
            scope.add("MapIterationStarted", {**shown})
            try:
                value = await self._item_input(visit, scope)
                output = await self._flow(machine, value, scope)
            except StateError:
                failed = True
                scope.add("MapIterationFailed", {**shown})
                raise
            except asyncio.CancelledError:
                if failed:
                    scope.add("MapIterationAborted", {**shown})
                raise
            scope.add("MapIterationSucceeded", {**shown})
            return output

        limit = min(concurrency or _INLINE_CONCURRENCY, _INLINE_CONCURRENCY)
        return list(await _at_most(limit, len(items), iteration))

    async def _distributed_map(self, visit: Visit, items: Sequence[Json], concurrency: int) -> Json:
        parent = visit.scope.execution
        prefix = parent.state_machine_arn.replace(":stateMachine:", ":{}:") + f"/{visit.name}:"
        run = MapRun(
            prefix.format("mapRun") + str(uuid.uuid4()),
            parent.execution_arn,
            parent.state_machine_arn,
            concurrency,
        )
        self._runs.add_map_run(run)
        visit.scope.add("MapRunStarted", {"mapRunArn": run.arn})
        machine = read_processor(visit.state)
        percentage = await self._number(visit, "ToleratedFailurePercentage")
        tolerated = percentage * len(items) / 100
        failures = 0

        async def child(index: int) -> Json:
            nonlocal failures
            scope = self._inner(visit.scope, {"Index": index, "Value": items[index]})
            value = await self._item_input(visit, scope)
            name = str(uuid.uuid4())
            execution = Execution(
                arn=prefix.format("execution") + name,
                name=name,
                state_machine_arn=f"{parent.state_machine_arn}/{visit.name}",
                state_machine_name=f"{parent.state_machine_name}/{visit.name}",
                role_arn=parent.role_arn,
                execution_input=compact(value),
                input_value=value,
                machine=machine,
                map_run_arn=run.arn,
            )
            self._runs.add_child(run, execution)
            execution.task = asyncio.create_task(self.run(execution))
            await execution.task
            if execution.status == "SUCCEEDED":
                return execution.output_value
            # run() turns being cancelled into ABORTED, so the wait for it ends as if all were well.
            task = asyncio.current_task()
            if task is not None and task.cancelling() > 0:
                raise asyncio.CancelledError
            failures += 1
            if failures > tolerated:
                raise StateError(
                    errors.EXCEED_TOLERATED_FAILURE_THRESHOLD,
                    "The specified tolerated failure threshold was exceeded",
                )
            return None

        limit = min(concurrency or _DISTRIBUTED_CONCURRENCY, _DISTRIBUTED_CONCURRENCY)
        try:
            outputs = await _at_most(limit, len(items), child)
        except StateError as error:
            run.end("FAILED")
            visit.scope.add("MapRunFailed", {"error": error.error, "cause": error.cause})
            raise
        except asyncio.CancelledError:
            run.end("ABORTED")
            raise
        run.end("SUCCEEDED")
        visit.scope.add("MapRunSucceeded")
        succeeded = [child.status == "SUCCEEDED" for child in run.children]
        return outputs if all(succeeded) else [output for output in outputs if output is not None]

    @staticmethod
    def _inner(scope: Scope, map_item: Mapping[str, Json] | None = None) -> Scope:
        """A branch's scope: it sees the outer variables, and what it assigns stays within."""
        return Scope(
            scope.execution,
            Trail(scope.trail.previous_id),
            scope.variables,
            scope.map_item if map_item is None else map_item,
        )


def _fail(execution: Execution, trail: Trail, error: str, cause: str) -> None:
    execution.history.add(trail, "ExecutionFailed", {"error": error, "cause": cause})
    execution.fail("FAILED", error, cause)


def _add_evaluation_failed(visit: Visit, error: JsonataError) -> None:
    """Show a failed expression once, in the innermost state that it passed through."""
    if error.shown:
        return
    error.shown = True
    visit.scope.add(
        "EvaluationFailed",
        {
            "error": error.error,
            "cause": error.cause,
            "location": error.location,
            "state": visit.name,
        },
    )


def _check_size(value: Json, what: str) -> None:
    if size_bytes(value) > MAX_PAYLOAD_BYTES:
        raise StateError(
            errors.DATA_LIMIT_EXCEEDED,
            f"{what} with a size exceeding the maximum number of bytes service limit.",
        )


def _retry_delay_seconds(
    retriers: Sequence[Mapping[str, Json]], tries: dict[int, int], error: StateError
) -> float | None:
    """How long to wait before the next attempt; None when no retrier has one left."""
    for index, retrier in enumerate(retriers):
        if not errors.names(error_equals(retrier), error.error):
            continue
        done = tries.get(index, 0)
        if done >= _setting(retrier, "MaxAttempts", 3):
            return None
        tries[index] = done + 1
        delay = _setting(retrier, "IntervalSeconds", 1) * (
            _setting(retrier, "BackoffRate", 2.0) ** done
        )
        delay = min(delay, _setting(retrier, "MaxDelaySeconds", delay))
        return random.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay
    return None


def _setting(retrier: Mapping[str, Json], field: str, default: float) -> float:
    value = retrier.get(field, default)
    return float(value) if isinstance(value, int | float) else default


async def _at_most(
    concurrency: int, count: int, work: Callable[[int], Awaitable[Json]]
) -> list[Json]:
    """Do `count` pieces of work, so many at once; the first failure cancels the rest."""
    results: list[Json] = [None] * count
    indexes = itertools.count()

    async def worker() -> None:
        while (index := next(indexes)) < count:
            results[index] = await work(index)

    workers = [asyncio.create_task(worker()) for _ in range(min(concurrency, count))]
    if not workers:
        return results
    try:
        done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        for finished in done:
            finished.result()
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return results
