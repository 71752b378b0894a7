"""Repairs of moto's Step Functions: executions really run, by our own interpreter.

moto's interpreter cannot evaluate JSONata, waits for a stopped task's end before it says that an
execution was stopped, knows no limit of events, and lets States.ALL catch all. So moto keeps the
state machines, and everything about executions is replaced.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Coroutine
from typing import Protocol, TypeVar

from moto.core.responses import ActionResult
from moto.stepfunctions import exceptions
from moto.stepfunctions import models as sfn_models
from moto.stepfunctions import responses as sfn_responses

from emulator.children import Children
from emulator.json_types import Json, parse
from emulator.lambda_runtime import LambdaRuntime
from emulator.settings import Settings
from emulator.states.definition import read_definition
from emulator.states.errors import InvalidDefinition
from emulator.states.execution import Execution, MapRun
from emulator.states.interpreter import MAX_PAYLOAD_BYTES, Interpreter
from emulator.states.jsonata import Jsonata
from emulator.states.sdk import SdkClients
from emulator.states.tasks import Tasks

_STOP_TIMEOUT_SECONDS = 10
_MAX_PAGE = 1000

Result = TypeVar("Result")


class MotoStateMachine(Protocol):
    """The part of moto's state machine that is used."""

    arn: str
    name: str
    definition: str
    roleArn: str
    executions: list[Execution]

    def _validate_execution_input(self, execution_input: str) -> None: ...

    def _handle_name_input_idempotency(
        self, name: str, execution_input: str
    ) -> Execution | None: ...


class MotoBackend(Protocol):
    """The part of moto's Step Functions backend that is used."""

    state_machines: list[MotoStateMachine]

    def describe_state_machine(self, arn: str) -> MotoStateMachine:
        """The state machine of an ARN."""

    def _validate_name(self, name: str) -> None: ...


class MotoRequest(Protocol):
    """The part of moto's request handler that is used."""

    stepfunction_backend: MotoBackend

    def _get_param(self, name: str, if_none: Json = None) -> str | None: ...

    def _get_int_param(self, name: str) -> int | None: ...

    def _get_bool_param(self, name: str) -> bool | None: ...


class InvalidDefinitionError(exceptions.AWSError):  # type: ignore[misc]
    """The error of a definition that is rejected."""

    TYPE = "InvalidDefinition"
    STATUS = 400


class StateMachineAlreadyExists(exceptions.AWSError):  # type: ignore[misc]
    """The error of creating a state machine whose name is taken."""

    TYPE = "StateMachineAlreadyExists"
    STATUS = 400


class Engine:
    """Runs all executions in one thread's event loop, and remembers them."""

    def __init__(self, settings: Settings, children: Children, functions: LambdaRuntime) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="step-functions", daemon=True
        )
        self._tasks = Tasks(settings, SdkClients(settings), functions)
        self._jsonata = Jsonata(settings, children)
        self._interpreter = Interpreter(self._jsonata, self._tasks, self, settings.region)
        self._lock = threading.Lock()
        self._executions: dict[str, Execution] = {}
        self._map_runs: dict[str, MapRun] = {}
        self._thread.start()

    def start(self, execution: Execution) -> None:
        """Begin an execution."""
        self._remember(execution)

        async def begin() -> None:
            execution.task = asyncio.create_task(self._interpreter.run(execution))

        self._await(begin())

    def stop(self, execution: Execution, error: str | None, cause: str | None) -> None:
        """Stop an execution and wait until it says so; what it called may go on."""
        execution.stop_error, execution.stop_cause = error, cause

        async def stop() -> None:
            task = execution.task
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=_STOP_TIMEOUT_SECONDS)

        self._await(stop())

    def execution(self, arn: str) -> Execution:
        """The execution of an ARN.

        Raises:
            ExecutionDoesNotExist: there is none.
        """
        with self._lock:
            found = self._executions.get(arn)
        if found is None:
            raise exceptions.ExecutionDoesNotExist(f"Execution Does Not Exist: '{arn}'")
        return found

    def map_runs(self, execution_arn: str) -> list[MapRun]:
        """The Distributed Maps that an execution has begun."""
        with self._lock:
            return [run for run in self._map_runs.values() if run.execution_arn == execution_arn]

    def map_run(self, arn: str) -> MapRun:
        """The run of a Distributed Map.

        Raises:
            ResourceNotFound: there is none.
        """
        with self._lock:
            found = self._map_runs.get(arn)
        if found is None:
            raise exceptions.ResourceNotFound(arn)
        return found

    def add_map_run(self, run: MapRun) -> None:
        """Keep a run, so that it can be listed."""
        with self._lock:
            self._map_runs[run.arn] = run

    def add_child(self, run: MapRun, child: Execution) -> None:
        """Keep a child execution, so that it can be described and stopped."""
        run.children.append(child)
        self._remember(child)

    def close(self) -> None:
        """Run nothing from now on."""
        self._tasks.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_TIMEOUT_SECONDS)

    def _remember(self, execution: Execution) -> None:
        with self._lock:
            self._executions[execution.execution_arn] = execution

    def _await(self, work: Coroutine[None, None, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_STOP_TIMEOUT_SECONDS * 2)


def install(engine: Engine) -> None:
    """Let moto run executions by this engine."""
    _install_state_machines()
    _install_executions(engine)
    _install_map_runs(engine)


def _install_state_machines() -> None:
    backend_class = sfn_models.StepFunctionBackend
    create, update = backend_class.create_state_machine, backend_class.update_state_machine

    # moto takes any text for a definition, and silently returns the old machine when a new one
    # of that name is created.
    def create_state_machine(
        self: MotoBackend,
        name: str,
        definition: str,
        roleArn: str,
        **more: object,
    ) -> object:
        _check_definition(definition)
        for machine in self.state_machines:
            if machine.name == name and (machine.definition, machine.roleArn) != (
                definition,
                roleArn,
            ):
                raise StateMachineAlreadyExists(f"State Machine Already Exists: '{machine.arn}'")
        return create(self, name=name, definition=definition, roleArn=roleArn, **more)

    def update_state_machine(
        self: MotoBackend, arn: str, definition: str | None = None, **more: object
    ) -> object:
        if definition is not None:
            _check_definition(definition)
        return update(self, arn=arn, definition=definition, **more)

    backend_class.create_state_machine = create_state_machine
    backend_class.update_state_machine = update_state_machine


def _check_definition(definition: str) -> None:
    try:
        read_definition(definition)
    except InvalidDefinition as error:
        raise InvalidDefinitionError(str(error)) from error


def _install_executions(engine: Engine) -> None:
    starting = threading.Lock()

    def start_execution(
        self: MotoBackend, state_machine_arn: str, name: str | None, execution_input: str | None
    ) -> Execution:
        machine = self.describe_state_machine(state_machine_arn)
        execution_input = execution_input or "{}"
        machine._validate_execution_input(execution_input)
        if len(execution_input.encode()) > MAX_PAYLOAD_BYTES:
            raise exceptions.ValidationException(
                "1 validation error detected: Value at 'input' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MAX_PAYLOAD_BYTES}"
            )
        if name:
            self._validate_name(name)
        name = name or str(uuid.uuid4())
        with starting:
            existing = machine._handle_name_input_idempotency(name, execution_input)
            if existing is not None:
                return existing
            execution = _new_execution(machine, name, execution_input)
            machine.executions.append(execution)
        engine.start(execution)
        return execution

    def describe_execution(self: MotoBackend, execution_arn: str) -> Execution:
        return engine.execution(execution_arn)

    backend_class = sfn_models.StepFunctionBackend
    backend_class.start_execution = start_execution
    backend_class.describe_execution = describe_execution

    # moto leaves the stop date of TIMED_OUT out.
    def show_execution(self: MotoRequest) -> ActionResult:
        execution = engine.execution(str(self._get_param("executionArn")))
        shown: dict[str, object] = {
            **_list_item(execution),
            "input": execution.execution_input,
            "inputDetails": {"included": True},
            "output": execution.output,
            "outputDetails": {"included": True} if execution.output is not None else None,
            "error": execution.error,
            "cause": execution.cause,
        }
        return ActionResult({key: value for key, value in shown.items() if value is not None})

    # moto stops without error and cause, and only marks the execution.
    def stop_execution(self: MotoRequest) -> ActionResult:
        execution = engine.execution(str(self._get_param("executionArn")))
        engine.stop(execution, self._get_param("error"), self._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date})

    # moto gives the whole history in one response, oldest first.
    def get_execution_history(self: MotoRequest) -> ActionResult:
        execution = engine.execution(str(self._get_param("executionArn")))
        start = _page_start(self._get_param("nextToken"))
        count = min(self._get_int_param("maxResults") or 100, _MAX_PAGE)
        newest_first = self._get_bool_param("reverseOrder") or False
        events = execution.history.page(start, count, newest_first=newest_first)
        more = start + count < len(execution.history)
        token = {"nextToken": str(start + count)} if more else {}
        return ActionResult({"events": events, **token})

    # moto cannot list the child executions of a Distributed Map.
    def list_executions(self: MotoRequest) -> ActionResult:
        map_run_arn = self._get_param("mapRunArn")
        if map_run_arn:
            executions = list(engine.map_run(map_run_arn).children)
        else:
            arn = str(self._get_param("stateMachineArn"))
            executions = list(self.stepfunction_backend.describe_state_machine(arn).executions)
        status = self._get_param("statusFilter")
        executions = [item for item in executions if status in (None, item.status)]
        executions.sort(key=lambda item: item.start_date, reverse=True)
        start = _page_start(self._get_param("nextToken"))
        count = min(self._get_int_param("maxResults") or 100, _MAX_PAGE)
        token = {"nextToken": str(start + count)} if start + count < len(executions) else {}
        page = [_list_item(item) for item in executions[start : start + count]]
        return ActionResult({"executions": page, **token})

    response_class = sfn_responses.StepFunctionResponse
    response_class.describe_execution = show_execution
    response_class.stop_execution = stop_execution
    response_class.get_execution_history = get_execution_history
    response_class.list_executions = list_executions


def _install_map_runs(engine: Engine) -> None:
    def list_map_runs(self: MotoRequest) -> ActionResult:
        arn = str(self._get_param("executionArn"))
        return ActionResult({"mapRuns": [_map_run_item(run) for run in engine.map_runs(arn)]})

    def describe_map_run(self: MotoRequest) -> ActionResult:
        run = engine.map_run(str(self._get_param("mapRunArn")))
        counts: dict[str, object] = {
            "total": len(run.children),
            "pending": 0,
            "running": run.count("RUNNING"),
            "succeeded": run.count("SUCCEEDED"),
            "failed": run.count("FAILED"),
            "timedOut": run.count("TIMED_OUT"),
            "aborted": run.count("ABORTED"),
            "resultsWritten": 0,
        }
        return ActionResult(
            {
                **_map_run_item(run),
                "status": run.status,
                "maxConcurrency": run.max_concurrency,
                "toleratedFailurePercentage": 0,
                "toleratedFailureCount": 0,
                "itemCounts": counts,
                "executionCounts": counts,
            }
        )

    response_class = sfn_responses.StepFunctionResponse
    response_class.list_map_runs = list_map_runs
    response_class.describe_map_run = describe_map_run


def _new_execution(machine: MotoStateMachine, name: str, execution_input: str) -> Execution:
    return Execution(
        arn=f"{machine.arn.replace(':stateMachine:', ':execution:')}:{name}",
        name=name,
        state_machine_arn=machine.arn,
        state_machine_name=machine.name,
        role_arn=machine.roleArn,
        execution_input=execution_input,
        input_value=parse(execution_input),
        machine=read_definition(machine.definition),
    )


def _list_item(execution: Execution) -> dict[str, object]:
    item: dict[str, object] = {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
    }
    if execution.stop_date is not None:
        item["stopDate"] = execution.stop_date
    if execution.map_run_arn is not None:
        item["mapRunArn"] = execution.map_run_arn
    return item


def _map_run_item(run: MapRun) -> dict[str, object]:
    item: dict[str, object] = {
        "executionArn": run.execution_arn,
        "mapRunArn": run.arn,
        "stateMachineArn": run.state_machine_arn,
        "startDate": run.start_date,
    }
    if run.stop_date is not None:
        item["stopDate"] = run.stop_date
    return item


def _page_start(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise exceptions.InvalidToken(token)
    return int(token)
