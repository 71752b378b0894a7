"""Requests of tests that AWS does not have: what runs now, and to kill it.

- `GET /emulator/running`
- `POST /emulator/kill-lambda` with `{"functionNameContains": text}`
- `POST /emulator/kill-glue`
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wrappers import Request, Response

from emulator.glue_jobs import GlueJobs
from emulator.json_types import Json, compact, parse
from emulator.lambda_runtime import LambdaRuntime

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Control:
    """Handles paths that begin with /sluice/, and leaves all others to AWS."""

    def __init__(self, aws: Application, functions: LambdaRuntime, jobs: GlueJobs) -> None:
        self._aws = aws
        self._functions = functions
        self._jobs = jobs

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        if not str(environ.get("PATH_INFO", "")).startswith("/emulator/"):
            return self._aws(environ, start_response)
        return self._respond(Request(environ))(environ, start_response)

    def _respond(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", "/emulator/running":
                return _json(200, self._running())
            case "POST", "/emulator/kill-lambda":
                name = _function_name(request)
                if name is None:
                    return _json(400, {"error": "functionNameContains must be a text"})
                return _json(200, {"killed": self._functions.kill(name)})
            case "POST", "/emulator/kill-glue":
                return _json(200, {"killed": self._jobs.kill()})
        return _json(404, {"error": f"there is no {request.method} {request.path}"})

    def _running(self) -> Json:
        return {
            "lambdas": [
                {
                    "functionName": invocation.function_name,
                    "requestId": invocation.request_id,
                    "pid": invocation.pid,
                }
                for invocation in self._functions.running()
            ],
            "glueJobRuns": [
                {
                    "jobName": run.job_name,
                    "runId": run.job_run_id,
                    "state": run.status,
                    "pid": run.child.pid if run.child is not None else None,
                }
                for run in self._jobs.running()
            ],
        }


def _function_name(request: Request) -> str | None:
    try:
        body = parse(request.get_data())
    except ValueError:
        return None
    name = body.get("functionNameContains") if isinstance(body, dict) else None
    return name if isinstance(name, str) else None


def _json(status: int, body: Json) -> Response:
    return Response(compact(body), status, content_type="application/json")
