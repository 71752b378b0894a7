"""What a Task state calls: Lambda functions and Glue jobs."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
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
Submitted = Callable[[Json], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Call:
    """What a Task's Resource names, as the history shows it."""

    resource_type: str
    resource: str


def call_of(name: str) -> Call:
    """Split `lambda:invoke` or `glue:startJobRun.sync`."""
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

        `submitted` gets the first response of a call whose end is waited for.

        Raises:
            StateError: the call failed.
        """
        if call.resource_type == "lambda":
            return await self._in_thread(partial(self._invoke, arguments))
        return await self._glue_job(arguments, submitted)

    async def sdk(
        self, service: str, action: str, arguments: Mapping[str, Json]
    ) -> dict[str, Json]:
        """Call an API as an SDK does."""
        return await self._in_thread(partial(self._clients.call, service, action, arguments))

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
            **await self.sdk("glue", "StartJobRun", arguments),
            "JobName": job_name,
        }
        submitted(started)
        run: Mapping[str, Json] = {"JobName": job_name, "RunId": started["JobRunId"]}

        try:
            while True:
                found = (await self.sdk("glue", "GetJobRun", run))["JobRun"]
                assert isinstance(found, dict)
                if found["JobRunState"] in _GLUE_GOOD:
                    return found
                if found["JobRunState"] not in _GLUE_RUNNING:
                    raise TaskError(TASK_FAILED, compact(found))
                await asyncio.sleep(_POLL_SECONDS)
        except asyncio.CancelledError:
            stop: Mapping[str, Json] = {"JobName": job_name, "JobRunIds": [started["JobRunId"]]}
            self._threads.submit(self._clients.call, "glue", "BatchStopJobRun", stop)
            raise

    def close(self) -> None:
        """Let no further call begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def object_of(value: Json, field: str) -> Mapping[str, Json]:
    """A value that must be an object.

    Raises:
        StateError: it is none.
    """
    if not isinstance(value, dict):
        raise StateError(RUNTIME, f"The field '{field}' must be an object, but is {compact(value)}")
    return value
