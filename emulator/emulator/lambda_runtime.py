"""Runs Lambda functions: a pool of warm workers for each version of a function."""

from __future__ import annotations

import io
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from emulator.children import Children
from emulator.json_types import Json
from emulator.lambda_worker import FunctionVersion, LambdaWorker, Outcome, WorkerGone
from emulator.memory import MemoryLog
from emulator.settings import Settings

IDLE_SECONDS = 300


class MotoLogs(Protocol):
    """The part of moto's CloudWatch Logs that is used."""

    def ensure_log_group(self, name: str) -> None:
        """Make a log group unless it exists."""

    def create_log_stream(self, group: str, stream: str) -> None:
        """Make a log stream."""

    def put_log_events(self, group: str, stream: str, events: list[dict[str, object]]) -> object:
        """Add events to a log stream."""


class MotoFunction(Protocol):
    """The part of moto's Lambda function that is used."""

    function_name: str
    function_arn: str
    handler: str
    run_time: str
    timeout: int | str
    memory_size: int | str
    environment_vars: dict[str, object]
    code_sha_256: str
    code_bytes: bytes
    reserved_concurrency: int | str | None
    logs_backend: MotoLogs


@dataclass(frozen=True)
class RunningInvocation:
    """One invocation that runs now."""

    function_name: str
    request_id: str
    pid: int


class TooManyRequests(Exception):
    """The function's reserved concurrency is used up."""


class LambdaRuntime:
    """Invokes functions; safe to use from many threads."""

    def __init__(self, settings: Settings, children: Children, memory: MemoryLog) -> None:
        self._settings = settings
        self._children = children
        self._memory = memory
        self._lock = threading.Lock()
        self._idle: list[LambdaWorker] = []
        self._busy: list[LambdaWorker] = []
        self._starting: dict[str, int] = {}
        self._streams: set[str] = set()

    def invoke(self, function: MotoFunction, event: Json) -> Outcome:
        """Run a function on an event and wait for its end.

        Raises:
            TooManyRequests: the function's reserved concurrency is used up.
        """
        version = self._version_of(function)
        request_id = str(uuid.uuid4())
        while True:
            worker = self._acquire(version, function.reserved_concurrency)
            try:
                outcome = worker.invoke(request_id, event)
                break
            except WorkerGone:
                continue
            finally:
                self._release(worker)
        self._memory.record("lambda", version.name, outcome.peak_rss_bytes, outcome.seconds)
        self._save_logs(function, worker.log_stream, outcome.log)
        return outcome

    def running(self) -> list[RunningInvocation]:
        """What runs now."""
        with self._lock:
            return [
                RunningInvocation(worker.function.name, worker.request_id, worker.pid)
                for worker in self._busy
                if worker.request_id is not None
            ]

    def kill(self, function_name_contains: str) -> int:
        """Kill the processes of running invocations of functions whose name contains a text.

        Returns how many were killed.
        """
        with self._lock:
            workers = [
                worker
                for worker in self._busy
                if worker.request_id is not None and function_name_contains in worker.function.name
            ]
        for worker in workers:
            worker.kill()
        return len(workers)

    def _version_of(self, function: MotoFunction) -> FunctionVersion:
        suffix = function.function_arn.rpartition(":")[2]
        return FunctionVersion(
            name=function.function_name,
            arn=function.function_arn,
            # Only the ARN of a published version has its number; moto's own version is 1 for both.
            version=suffix if suffix.isdecimal() else "$LATEST",
            handler=function.handler,
            runtime=function.run_time,
            timeout_seconds=int(function.timeout),
            memory_mb=int(function.memory_size),
            environment=tuple(
                sorted(
                    (key, str(value)) for key, value in (function.environment_vars or {}).items()
                )
            ),
            code_sha256=function.code_sha_256,
            code_folder=self._unpack(function),
        )

    def _unpack(self, function: MotoFunction) -> Path:
        digest = "".join(letter for letter in function.code_sha_256 if letter.isalnum())[:16]
        folder = self._settings.work_dir / "functions" / f"{function.function_name}-{digest}"
        with self._lock:
            if not folder.exists():
                unfinished = folder.with_name(folder.name + ".unfinished")
                with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
                    archive.extractall(unfinished)
                unfinished.rename(folder)
        return folder

    def _acquire(self, version: FunctionVersion, reserved: int | str | None) -> LambdaWorker:
        with self._lock:
            if reserved is not None:
                running = self._starting.get(version.name, 0) + sum(
                    worker.function.name == version.name for worker in self._busy
                )
                if running >= int(reserved):
                    raise TooManyRequests
            found, useless = None, []
            for worker in reversed(self._idle):
                same = worker.function == version
                if same and worker.alive and found is None:
                    found = worker
                elif (
                    not worker.alive
                    or (worker.function.name == version.name and not same)
                    or time.monotonic() - worker.idle_since > IDLE_SECONDS
                ):
                    useless.append(worker)
            gone = [*useless, found]
            self._idle = [worker for worker in self._idle if worker not in gone]
            if found is not None:
                self._busy.append(found)
            else:
                self._starting[version.name] = self._starting.get(version.name, 0) + 1
        for worker in useless:
            worker.close()
        if found is not None:
            return found
        try:
            worker = LambdaWorker(version, self._settings, self._children)
        finally:
            with self._lock:
                self._starting[version.name] -= 1
        with self._lock:
            self._busy.append(worker)
        return worker

    def _release(self, worker: LambdaWorker) -> None:
        with self._lock:
            self._busy.remove(worker)
            if worker.alive:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
                return
        worker.close()

    def _save_logs(self, function: MotoFunction, stream: str, log: str) -> None:
        group = f"/aws/lambda/{function.function_name}"
        with self._lock:
            new = stream not in self._streams
            self._streams.add(stream)
        function.logs_backend.ensure_log_group(group)
        if new:
            function.logs_backend.create_log_stream(group, stream)
        now_ms = int(time.time() * 1000)
        events: list[dict[str, object]] = [
            {"timestamp": now_ms, "message": line} for line in log.splitlines() if line
        ]
        function.logs_backend.put_log_events(group, stream, events)
