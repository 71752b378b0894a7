"""One warm Lambda worker: a Node process that handles one event at a time."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import time
from dataclasses import dataclass, field
from pathlib import Path

from emulator.channel import spawn_worker
from emulator.children import Children
from emulator.json_types import Json, compact, line
from emulator.settings import ACCESS_KEY, SECRET_KEY, Settings

INIT_TIMEOUT_SECONDS = 60
_SIGABRT = -6
_SIGKILL = -9
_NODE_OUT_OF_MEMORY = 134


@dataclass(frozen=True)
class FunctionVersion:
    """All that decides how a function's worker is made; a change makes new workers."""

    name: str
    arn: str
    version: str
    handler: str
    runtime: str
    timeout_seconds: int
    memory_mb: int
    environment: tuple[tuple[str, str], ...]
    code_sha256: str
    code_folder: Path = field(compare=False)


@dataclass(frozen=True)
class Outcome:
    """What one invocation gave: its payload as JSON text, and the lines that it logged."""

    payload: str
    failed: bool
    log: str
    peak_rss_bytes: int
    seconds: float


class WorkerGone(Exception):
    """The worker died before it took the event, so another one may take it."""


class _Died(Exception):
    """The channel closed: the worker's process has ended or is about to."""


class LambdaWorker:
    """A Node process that has loaded, or is loading, one version of a function."""

    def __init__(self, function: FunctionVersion, settings: Settings, children: Children) -> None:
        self.function = function
        self.request_id: str | None = None
        self.idle_since = 0.0
        self.log_stream = f"{time.strftime('%Y/%m/%d')}/[{function.version}]{secrets.token_hex(16)}"
        self._killed = False
        self._ready = False
        self._buffer = b""
        self._log = b""
        self._log_file = settings.log_dir / f"lambda-{function.name}.log"
        read_end, write_end = os.pipe()
        try:
            self._child, self._channel = spawn_worker(
                children,
                [
                    str(settings.node),
                    f"--max-old-space-size={function.memory_mb}",
                    "--enable-source-maps",
                    str(settings.lambda_worker),
                    str(function.code_folder),
                    function.handler,
                ],
                cwd=function.code_folder,
                env=self._environment(settings),
                output=write_end,
            )
        finally:
            os.close(write_end)
        os.set_blocking(read_end, False)
        self._output = read_end
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._channel, selectors.EVENT_READ)
        self._selector.register(read_end, selectors.EVENT_READ)

    def _environment(self, settings: Settings) -> dict[str, str]:
        function = self.function
        return {
            **{key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ},
            **dict(function.environment),
            **settings.credentials(),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(function.code_folder),
            "_HANDLER": function.handler,
        }

    @property
    def pid(self) -> int:
        """The process id of the worker."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it can take another event."""
        return self._child.alive and not self._killed

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        self._killed = True
        self._child.kill()

    def close(self) -> None:
        """End the process and give back its descriptors; only when no invocation runs on it."""
        if self._child.alive:
            self._child.kill()
        self._selector.close()
        self._channel.close()
        os.close(self._output)

    def invoke(self, request_id: str, event: Json) -> Outcome:
        """Handle one event; never raises for what the function does.

        Raises:
            WorkerGone: the process had died before it could take the event.
        """
        self.request_id = request_id
        started = time.monotonic()
        self._child.reset_peak_rss()
        self._write_log(f"START RequestId: {request_id} Version: {self.function.version}\n")
        try:
            payload = self._run(request_id, event)
            failed = payload.failed
            text = payload.text
        finally:
            self.request_id = None
        seconds = time.monotonic() - started
        peak = self._child.peak_rss_bytes()
        self._drain_output()
        self._write_log(
            f"END RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: {seconds * 1000:.2f} ms\t"
            f"Memory Size: {self.function.memory_mb} MB\t"
            f"Max Memory Used: {peak // (1024 * 1024)} MB\n"
        )
        if failed:
            self._write_log(text + "\n")
        log, self._log = self._log.decode(errors="replace"), b""
        return Outcome(text, failed, log, peak, seconds)

    def _run(self, request_id: str, event: Json) -> _Payload:
        try:
            if not self._ready:
                failure = self._await_ready()
                if failure is not None:
                    return failure
            deadline = time.monotonic() + self.function.timeout_seconds
            message = line(
                {
                    "requestId": request_id,
                    "event": event,
                    "deadlineMs": int((time.time() + self.function.timeout_seconds) * 1000),
                    "arn": self.function.arn,
                }
            )
            try:
                self._channel.sendall(message)
            except OSError as error:
                if not self._killed:
                    raise WorkerGone from error
                raise _Died from error
            return self._await_response(request_id, deadline)
        except _Died:
            return self._death_of(request_id)

    def _await_ready(self) -> _Payload | None:
        message = self._receive(time.monotonic() + INIT_TIMEOUT_SECONDS)
        if message is None:
            self.kill()
            self._child.wait()
            return _Payload(
                True,
                _error("Sandbox.Timedout", f"Init did not end in {INIT_TIMEOUT_SECONDS} seconds"),
            )
        if message["type"] == "ready":
            self._ready = True
            return None
        self._child.wait()
        return _Payload(True, compact(message["error"]))

    def _await_response(self, request_id: str, deadline: float) -> _Payload:
        message = self._receive(deadline)
        if message is None:
            self.kill()
            self._child.wait()
            seconds = self.function.timeout_seconds
            return _Payload(
                True,
                _error(
                    "Sandbox.Timedout",
                    f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
                ),
            )
        if message["type"] == "result":
            return _Payload(False, str(message["payload"]))
        if message["type"] == "fatal":
            self._child.wait()
        return _Payload(True, compact(message["error"]))

    def _death_of(self, request_id: str) -> _Payload:
        self._child.wait()
        code = self._child.exit_code
        prefix = f"RequestId: {request_id} Error: Runtime exited "
        # V8 aborts when its heap is full; AWS's sandbox reports that as a kill.
        if code in (_SIGABRT, _NODE_OUT_OF_MEMORY):
            return _Payload(
                True, _error("Runtime.OutOfMemory", prefix + "with error: signal: killed")
            )
        if code == _SIGKILL:
            reason = "with error: signal: killed"
        elif code == 0:
            reason = "without providing a reason"
        else:
            reason = f"with error: exit status {code}"
        return _Payload(True, _error("Runtime.ExitError", prefix + reason))

    def _receive(self, deadline: float) -> dict[str, Json] | None:
        """The next message, while output is logged; None when the time is over."""
        while b"\n" not in self._buffer:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            for key, _ in self._selector.select(remaining):
                if key.fileobj == self._output:
                    if not self._drain_output():
                        self._selector.unregister(self._output)
                    continue
                try:
                    received = self._channel.recv(1 << 20)
                except OSError as error:
                    raise _Died from error
                if not received:
                    raise _Died
                self._buffer += received
        text, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Json] = json.loads(text)
        return message

    def _drain_output(self) -> bool:
        """Log what the process has written so far; False when it has closed its output."""
        while True:
            try:
                output = os.read(self._output, 1 << 16)
            except BlockingIOError:
                return True
            if not output:
                return False
            self._write_log_bytes(output)

    def _write_log(self, text: str) -> None:
        self._write_log_bytes(text.encode())

    def _write_log_bytes(self, text: bytes) -> None:
        self._log += text
        # A log that cannot be written must not fail the function.
        with contextlib.suppress(OSError), self._log_file.open("ab") as file:
            file.write(text)


@dataclass(frozen=True)
class _Payload:
    failed: bool
    text: str


def _error(error_type: str, message: str) -> str:
    return compact({"errorType": error_type, "errorMessage": message})
