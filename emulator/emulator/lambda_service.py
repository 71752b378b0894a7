"""Repairs of moto's Lambda: functions really run."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import MutableMapping
from typing import Protocol

from moto.awslambda import exceptions
from moto.awslambda import models as lambda_models

from emulator.json_types import Json, parse
from emulator.lambda_runtime import LambdaRuntime, MotoFunction, TooManyRequests

LOG = logging.getLogger(__name__)


class Headers(Protocol):
    """The headers of a request, whose names are compared without regard to case."""

    def get(self, name: str, default: str) -> str:
        """The value of a header."""


def find_function(account: str, region: str, name: str, qualifier: str | None) -> MotoFunction:
    """The function of a name or ARN.

    Raises:
        UnknownFunctionException: there is none.
    """
    backend = lambda_models.lambda_backends[account][region]
    function: MotoFunction = backend.get_function(name, qualifier)
    return function


def install(runtime: LambdaRuntime) -> None:
    """Let moto invoke functions by this runtime."""

    # moto runs a function in Docker, calls every failure "Handled", and makes the caller of an
    # asynchronous invocation wait for its end.
    def invoke(
        self: MotoFunction,
        body: str | bytes,
        request_headers: Headers,
        response_headers: MutableMapping[str, str],
    ) -> bytes | str:
        try:
            event: Json = parse(body) if body else {}
        except ValueError as error:
            raise exceptions.LambdaClientError(
                "InvalidRequestContentException", f"Could not parse request body into json: {error}"
            ) from error
        if request_headers.get("x-amz-invocation-type", "RequestResponse") == "Event":
            threading.Thread(target=_invoke_later, args=(runtime, self, event), daemon=True).start()
            return ""
        try:
            outcome = runtime.invoke(self, event)
        except TooManyRequests as error:
            raise _throttled() from error
        if outcome.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        log_tail = outcome.log.encode()[-4096:]
        response_headers["x-amz-log-result"] = base64.b64encode(log_tail).decode()
        return outcome.payload.encode()

    lambda_models.LambdaFunction.invoke = invoke


def _throttled() -> Exception:
    error: Exception = exceptions.LambdaClientError("TooManyRequestsException", "Rate Exceeded.")
    return error


def _invoke_later(runtime: LambdaRuntime, function: MotoFunction, event: Json) -> None:
    # As on AWS: an asynchronous invocation that fails is tried twice more.
    for _attempt in range(3):
        try:
            if not runtime.invoke(function, event).failed:
                return
        except TooManyRequests:
            LOG.warning("asynchronous invocation of %s was throttled", function.function_name)
