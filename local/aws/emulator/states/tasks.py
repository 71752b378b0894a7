"""What a Task state calls: Lambda functions, Glue jobs, and any API of the emulator."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from moto.awslambda.exceptions import UnknownFunctionException

from emulator.json_types import Json, compact, parse, text_of
from emulator.lambda_runtime import LambdaRuntime, TooManyRequests
from emulator.lambda_service import find_function
from emulator.settings import Settings
from emulator.states.errors import RUNTIME, TASK_FAILED, StateError, TaskError
from emulator.states.sdk import SdkClients

# AWS polls less often; the emulator's jobs are shorter.
_POLL_SECONDS = 0.25
_GLUE_RUNNING = frozenset({"STARTING", "RUNNING", "STOPPING", "WAITING"})
_GLUE_GOOD = frozenset({"SUCCEEDED", "STOPPED"})
# Optimised integrations name their errors otherwise than SDK calls do.
_ERROR_PREFIXES: Mapping[str, str] = {
    "dynamodb": "DynamoDB",
    "sns": "SNS",
    "events": "Events",
    "glue": "Glue",
    "states": "StepFunctions",
}

Submitted = Callable[[Json], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Call:
    """What a Task's Resource names, as the history shows it."""

    resource_type: str
    resource: str


def call_of(name: str) -> Call:
    """Split `lambda:invoke`, `glue:startJobRun.sync` or `aws-sdk:glue:getTable`."""
    if name.startswith("aws-sdk:"):
        service, _, action = name.rpartition(":")
    else:
        service, _, action = name.partition(":")
    return Call(service, action)


class Tasks:
    """Runs the calls of Task states in threads, so that a call goes on when its state does not.

    As on AWS, a Lambda function whose state timed out or was stopped keeps running until its own
    end; a Glue job that a state waits for (.sync) is stopped.
    """

    def __init__(self, settings: Settings, clients: SdkClients, functions: LambdaRuntime) -> None:
        self._settings = settings
        self._clients = clients
        self._functions = functions
        # As many as AWS runs at once in an account; threads are made when they are needed.
        self._threads = ThreadPoolExecutor(max_workers=1000, thread_name_prefix="task")

    async def run(self, call: Call, arguments: Mapping[str, Json], submitted: Submitted) -> Json:
        """Make a call and return what the state shows as its result.

        `submitted` is told the first answer of a call whose end is waited for.

        Raises:
            StateError: the call failed.
        """
        action, _, pattern = call.resource.partition(".")
        if call.resource_type == "lambda":
            return await self._in_thread(partial(self._invoke, arguments))
        if call.resource_type.startswith("aws-sdk:"):
            service = call.resource_type.removeprefix("aws-sdk:")
            return await self.sdk(service, action, arguments)
        if pattern == "":
            if call.resource_type == "glue":
                started = await self._optimised("glue", action, arguments)
                return {**started, "JobName": arguments.get("JobName")}
            return await self._optimised(call.resource_type, action, arguments)
        if call.resource_type == "glue":
            return await self._glue_job(arguments, submitted)
        return await self._execution(arguments, submitted)

    async def sdk(
        self, service: str, action: str, arguments: Mapping[str, Json]
    ) -> dict[str, Json]:
        """Call an API as an SDK does."""
        return await self._in_thread(partial(self._clients.call, service, action, arguments))

    async def _optimised(
        self, service: str, action: str, arguments: Mapping[str, Json]
    ) -> dict[str, Json]:
        called = "sfn" if service == "states" else service
        prefix = _ERROR_PREFIXES[service]
        return await self._in_thread(partial(self._clients.call, called, action, arguments, prefix))

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _invoke(self, arguments: Mapping[str, Json]) -> Json:
        name = text_of(arguments, "FunctionName")
        qualifier = arguments.get("Qualifier")
        try:
            function = find_function(
                self._settings.account,
                self._settings.region,
                name,
                str(qualifier) if qualifier is not None else None,
            )
        except UnknownFunctionException as error:
            raise TaskError(
                "Lambda.ResourceNotFoundException", f"Function not found: {name}"
            ) from error
        payload = arguments.get("Payload")
        try:
            outcome = self._functions.invoke(function, {} if payload is None else payload)
        except TooManyRequests as error:
            raise TaskError("Lambda.TooManyRequestsException", "Rate Exceeded.") from error
        if outcome.failed:
            failure = parse(outcome.payload)
            error_type = failure.get("errorType") if isinstance(failure, dict) else None
            raise TaskError(str(error_type or "Error"), outcome.payload)
        return {
            "ExecutedVersion": "$LATEST",
            "Payload": json.loads(outcome.payload),
            "SdkHttpMetadata": {"HttpStatusCode": 200},
            "SdkResponseMetadata": {"RequestId": str(uuid.uuid4())},
            "StatusCode": 200,
        }

    async def _glue_job(self, arguments: Mapping[str, Json], submitted: Submitted) -> Json:
        job_name = text_of(arguments, "JobName")
        started = {
            **await self._optimised("glue", "startJobRun", arguments),
            "JobName": job_name,
        }
        submitted(started)
        run: Mapping[str, Json] = {"JobName": job_name, "RunId": started["JobRunId"]}

        async def finished() -> Json:
            answer = await self._optimised("glue", "getJobRun", run)
            found = answer["JobRun"]
            assert isinstance(found, dict)
            if found["JobRunState"] in _GLUE_RUNNING:
                return None
            if found["JobRunState"] not in _GLUE_GOOD:
                raise TaskError(TASK_FAILED, compact(found))
            return found

        try:
            return await _poll(finished)
        except asyncio.CancelledError:
            stop: Mapping[str, Json] = {"JobName": job_name, "JobRunIds": [started["JobRunId"]]}
            self._threads.submit(self._clients.call, "glue", "batchStopJobRun", stop)
            raise

    async def _execution(self, arguments: Mapping[str, Json], submitted: Submitted) -> Json:
        started = await self._optimised("states", "startExecution", arguments)
        submitted(started)
        described: Mapping[str, Json] = {"ExecutionArn": started["ExecutionArn"]}

        async def finished() -> Json:
            answer = await self._optimised("states", "describeExecution", described)
            if answer["Status"] == "RUNNING":
                return None
            if answer["Status"] != "SUCCEEDED":
                raise TaskError(TASK_FAILED, compact(answer))
            for member in ("Input", "Output"):
                if isinstance(answer.get(member), str):
                    answer[member] = parse(str(answer[member]))
            return answer

        try:
            return await _poll(finished)
        except asyncio.CancelledError:
            self._threads.submit(self._clients.call, "sfn", "stopExecution", described)
            raise

    def close(self) -> None:
        """Let no further call begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _poll(finished: Callable[[], Awaitable[Json]]) -> Json:
    while (result := await finished()) is None:
        await asyncio.sleep(_POLL_SECONDS)
    return result


def object_of(value: Json, field: str) -> Mapping[str, Json]:
    """A value that must be an object.

    Raises:
        StateError: it is none.
    """
    if not isinstance(value, dict):
        raise StateError(RUNTIME, f"The field '{field}' must be an object, but is {compact(value)}")
    return value
