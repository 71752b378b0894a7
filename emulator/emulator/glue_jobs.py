"""Repairs of moto's Glue jobs: a run is a real spark-submit."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import boto3
from moto.core.responses import ActionResult
from moto.glue import models as glue_models
from moto.glue.exceptions import (
    ConcurrentRunsExceededException,
    EntityNotFoundException,
    InvalidInputException,
)
from moto.glue.responses import GlueResponse

from emulator import spark_submit
from emulator.children import Child, Children
from emulator.memory import MemoryLog
from emulator.settings import ACCESS_KEY, SECRET_KEY, Settings, SparkSettings
from emulator.spark_submit import ScriptFiles

LOG = logging.getLogger(__name__)

_DEFAULT_TIMEOUT_MINUTES = 2880
_RSS_SAMPLE_SECONDS = 0.5
_ACTIVE = frozenset({"STARTING", "RUNNING", "STOPPING"})
_MAX_ERROR_LENGTH = 2000


class MotoJob(Protocol):
    """The part of moto's job that is used."""

    name: str
    command: Mapping[str, str]
    default_arguments: Mapping[str, str]
    non_overridable_arguments: Mapping[str, str] | None
    execution_property: Mapping[str, Any]
    timeout: int | None
    worker_type: str | None
    number_of_workers: int | None
    glue_version: str | None
    job_runs: list[JobRun]


class JobRun:
    """One run of a job. Its public members are those that moto's own runs have."""

    def __init__(self, job: MotoJob, arguments: Mapping[str, str], timeout: int | None) -> None:
        self.job_name = job.name
        self.job_run_id = f"jr_{uuid.uuid4().hex}{uuid.uuid4().hex}"
        self.arguments = dict(arguments)
        self.timeout_minutes = timeout or job.timeout or _DEFAULT_TIMEOUT_MINUTES
        self.status = "STARTING"
        self.error_message: str | None = None
        self.child: Child | None = None
        self._started = datetime.now(UTC)
        self._modified = self._started
        self._completed: datetime | None = None
        self._worker_type = job.worker_type
        self._number_of_workers = job.number_of_workers
        self._glue_version = job.glue_version
        self._lock = threading.Lock()

    @property
    def active(self) -> bool:
        """Whether the run has not ended."""
        return self.status in _ACTIVE

    def advance(self) -> None:
        """Does nothing: moto calls this to change the state of its own runs when they are read."""

    def get_name(self) -> str:
        """The name of the job."""
        return self.job_name

    def run_on(self, child: Child) -> bool:
        """Note the run's process; False when the run was stopped before it had one."""
        with self._lock:
            self.child = child
            if self.status != "STARTING":
                return False
            self.status = "RUNNING"
            self._modified = datetime.now(UTC)
            return True

    def stop(self) -> bool:
        """Stop the run; False when it has ended already."""
        with self._lock:
            if self.status not in _ACTIVE:
                return False
            self.status = "STOPPING"
        if self.child is not None:
            self.child.kill()
        return True

    def end(self, status: str, error_message: str | None = None) -> None:
        """Note how the run ended; a run that was being stopped ends as STOPPED."""
        with self._lock:
            self._completed = self._modified = datetime.now(UTC)
            stopped = self.status == "STOPPING"
            self.error_message = None if stopped else error_message
            self.status = "STOPPED" if stopped else status

    def as_dict(self) -> dict[str, object]:
        """The run as the API shows it."""
        shown: dict[str, object | None] = {
            "Id": self.job_run_id,
            "Attempt": 0,
            "JobName": self.job_name,
            "StartedOn": self._started,
            "LastModifiedOn": self._modified,
            "CompletedOn": self._completed,
            "JobRunState": self.status,
            "Arguments": self.arguments,
            "ErrorMessage": self.error_message,
            "PredecessorRuns": [],
            "ExecutionTime": int(
                ((self._completed or datetime.now(UTC)) - self._started).total_seconds()
            ),
            "Timeout": self.timeout_minutes,
            "WorkerType": self._worker_type,
            "NumberOfWorkers": self._number_of_workers,
            "LogGroupName": "/aws-glue/jobs",
            "GlueVersion": self._glue_version,
        }
        return {key: value for key, value in shown.items() if value is not None}


class GlueJobs:
    """Runs jobs as processes; safe to use from many threads."""

    def __init__(self, settings: Settings, children: Children, memory: MemoryLog) -> None:
        self._settings = settings
        self._children = children
        self._memory = memory
        self._lock = threading.Lock()
        self._runs: list[JobRun] = []

    def start(
        self, job: MotoJob, arguments: Mapping[str, str] | None, timeout_minutes: int | None
    ) -> JobRun:
        """Begin a run.

        Raises:
            ConcurrentRunsExceededException: as many runs as the job allows are active.
            InvalidInputException: the emulator was started without Spark.
        """
        spark = self._settings.spark
        if spark is None:
            raise InvalidInputException(
                "StartJobRun", "start the emulator with --spark-python and --spark-jars"
            )
        merged = {
            **job.default_arguments,
            **(arguments or {}),
            **(job.non_overridable_arguments or {}),
        }
        with self._lock:
            allowed = int(job.execution_property.get("MaxConcurrentRuns", 1))
            if sum(run.active for run in job.job_runs) >= allowed:
                raise ConcurrentRunsExceededException(
                    f"Concurrent runs exceeded for {job.name}: {allowed} allowed"
                )
            run = JobRun(job, merged, timeout_minutes)
            job.job_runs.append(run)
            self._runs.append(run)
        threading.Thread(
            target=self._run, args=(dict(job.command), run, spark), name=run.job_run_id, daemon=True
        ).start()
        return run

    def running(self) -> list[JobRun]:
        """The runs that have a process now."""
        with self._lock:
            return [run for run in self._runs if run.active and run.child is not None]

    def kill(self) -> int:
        """Kill the process groups of all runs, as if their machines had died; how many."""
        runs = self.running()
        for run in runs:
            if run.child is not None:
                run.child.kill()
        return len(runs)

    def _run(self, command: Mapping[str, str], run: JobRun, spark: SparkSettings) -> None:
        folder = self._settings.work_dir / "glue" / run.job_run_id
        log = self._settings.log_dir / f"glue-{run.job_name}-{run.job_run_id}.log"
        try:
            folder.mkdir(parents=True)
            self._run_in(folder, log, command, run, spark)
        except Exception as error:
            LOG.exception("run %s of job %s failed", run.job_run_id, run.job_name)
            run.end("FAILED", f"{type(error).__name__}: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run_in(
        self,
        folder: Path,
        log: Path,
        command: Mapping[str, str],
        run: JobRun,
        spark: SparkSettings,
    ) -> None:
        settings = self._settings
        files = self._download(folder, command["ScriptLocation"], run.arguments)
        spark_submit.write_configuration(folder, settings, spark)
        arguments = spark_submit.script_arguments(run.arguments, run.job_name, run.job_run_id)
        started = time.monotonic()
        with log.open("ab") as output:
            child = self._children.spawn(
                spark_submit.command(spark, files, run.arguments, arguments),
                cwd=folder,
                env=spark_submit.environment(settings, spark, folder, run.job_name, run.job_run_id),
                output=output.fileno(),
            )
        if not run.run_on(child):
            child.kill()
        deadline = started + run.timeout_minutes * 60
        peak = 0
        while not child.wait(_RSS_SAMPLE_SECONDS):
            peak = max(peak, child.tree_rss_bytes())
            if time.monotonic() > deadline:
                child.kill()
                child.wait()
                run.end("TIMEOUT", f"Job run exceeded {run.timeout_minutes} minutes")
        # The JVM may leave Python processes behind when it is killed.
        child.kill()
        seconds = time.monotonic() - started
        peak = max(peak, child.peak_rss_bytes())
        self._memory.record("glue", run.job_name, peak, seconds)
        if run.active:
            if child.exit_code == 0:
                run.end("SUCCEEDED")
            else:
                run.end("FAILED", _error_message(log, child.exit_code))

    def _download(
        self, folder: Path, script_location: str, arguments: Mapping[str, str]
    ) -> ScriptFiles:
        locations = [
            part.strip()
            for part in arguments.get("--extra-py-files", "").split(",")
            if part.strip()
        ]
        scripts = folder / "scripts"
        scripts.mkdir()
        return ScriptFiles(
            self._fetch(script_location, scripts),
            [self._fetch(location, scripts) for location in locations],
        )

    def _fetch(self, location: str, folder: Path) -> Path:
        match = re.fullmatch(r"s3a?://([^/]+)/(.+)", location)
        if match is None:
            raise ValueError(f"{location!r} is not a place in S3; it must read s3://bucket/key")
        path = folder / Path(match[2]).name
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=self._settings.endpoint,
            region_name=self._settings.region,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        client.download_file(match[1], match[2], str(path))
        return path


def _error_message(log: Path, exit_code: int) -> str:
    """The last exception of a Python traceback in a log, as Glue shows it."""
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()
        headers = [n for n, text in enumerate(lines) if text.startswith("Traceback (most recent")]
        if headers:
            for text in lines[headers[-1] + 1 :]:
                if text and not text[0].isspace():
                    return text[:_MAX_ERROR_LENGTH]
        for text in reversed(lines):
            if text.strip() and exit_code > 0:
                return text.strip()[:_MAX_ERROR_LENGTH]
    return f"Command failed with exit code {exit_code}"


class MotoBackend(Protocol):
    """The part of moto's Glue backend that is used."""

    def get_job(self, name: str) -> Any:  # noqa: ANN401
        """The job of a name."""


class MotoRequest(Protocol):
    """The part of moto's request handler that is used."""

    glue_backend: MotoBackend
    parameters: Mapping[str, Any]


def install(jobs: GlueJobs) -> None:
    """Let moto run jobs by these processes."""

    # moto's runs do nothing and succeed when they have been looked at twice.
    def start_job_run(
        self: MotoJob,
        *,
        arguments: Mapping[str, str] | None = None,
        timeout: int | None = None,
        **_unused: object,
    ) -> str:
        return jobs.start(self, arguments, timeout).job_run_id

    # moto cannot stop a run.
    def batch_stop_job_run(self: MotoRequest) -> ActionResult:
        name = self.parameters["JobName"]
        successes, failures = [], []
        for run_id in self.parameters["JobRunIds"]:
            try:
                run: JobRun = self.glue_backend.get_job(name).get_job_run(run_id)
                stopped = run.stop()
            except EntityNotFoundException:
                stopped = False
            if stopped:
                successes.append({"JobName": name, "JobRunId": run_id})
            else:
                detail = {
                    "ErrorCode": "InvalidInputException",
                    "ErrorMessage": f"Job run {run_id} of job {name} is not running",
                }
                failures.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
        return ActionResult({"SuccessfulSubmissions": successes, "Errors": failures})

    # moto cannot change a job.
    def update_job(self: MotoRequest) -> ActionResult:
        job = self.glue_backend.get_job(self.parameters["JobName"])
        for member, value in self.parameters["JobUpdate"].items():
            attribute = re.sub(r"(?<!^)(?=[A-Z])", "_", member).lower()
            if not hasattr(job, attribute):
                raise InvalidInputException("UpdateJob", f"{member} is not a member of a job")
            setattr(job, attribute, value)
        return ActionResult({"JobName": job.name})

    glue_models.FakeJob.start_job_run = start_job_run
    GlueResponse.batch_stop_job_run = batch_stop_job_run
    GlueResponse.update_job = update_job
