"""Glue job runs are real spark-submits."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from running_emulator import Emulator, eventually, zipped

from emulator import spark_submit

if TYPE_CHECKING:
    from types_boto3_glue.type_defs import JobCommandTypeDef

SCRIPT = """
import json, sys, time
import greeting
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
mode = arguments["--mode"]
if mode == "fail":
    raise ValueError("what went wrong")
if mode == "sleep":
    print("sleeping", flush=True)
    time.sleep(600)
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
pools = spark._jvm.java.lang.management.ManagementFactory.getMemoryPoolMXBeans()
report = {
    "arguments": arguments,
    "greeting": greeting.WORD,
    "sum": spark.range(10).selectExpr("sum(id)").first()[0],
    "conf": [spark.conf.get("spark.first"), spark.conf.get("spark.second")],
    "zone": spark.conf.get("spark.sql.catalog.lake.s3.endpoint"),
    "maps": open(f"/proc/{spark._jvm.java.lang.ProcessHandle.current().pid()}/maps").read(),
    "code_cache": sum(p.getUsage().getMax() for p in pools if p.getName().startswith("Code")),
}
open(arguments["--out"], "w").write(json.dumps(report))
"""


@pytest.fixture(scope="module")
def job(emulator: Emulator) -> str:
    name = "probe-job"
    emulator.s3.create_bucket(Bucket="scripts")
    emulator.s3.put_object(Bucket="scripts", Key="job.py", Body=SCRIPT.encode())
    modules = zipped({"greeting.py": "WORD = 'hello'"})
    emulator.s3.put_object(Bucket="scripts", Key="lib/modules.zip", Body=modules)
    emulator.glue.create_job(
        Name=name,
        Role=emulator.role,
        Command={"Name": "glueetl", "ScriptLocation": "s3://scripts/job.py", "PythonVersion": "3"},
        DefaultArguments={
            "--conf": "spark.first=one --conf spark.second=two words",
            "--extra-py-files": "s3://scripts/lib/modules.zip",
            "--datalake-formats": "iceberg",
            "--enable-metrics": "true",
            "--kept": "default",
            "--mode": "sleep",
        },
        ExecutionProperty={"MaxConcurrentRuns": 1},
        GlueVersion="5.1",
    )
    return name


def machine(job: str, arguments: dict[str, str]) -> dict[str, Any]:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::glue:startJobRun.sync",
        "Arguments": {"JobName": job, "Arguments": arguments},
        "End": True,
    }
    return {"StartAt": "G", "States": {"G": state}}


def test_a_job_runs_and_fails_under_a_state_machine(
    emulator: Emulator, job: str, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    ended = emulator.run(machine(job, {"--mode": "ok", "--out": str(out)}))
    assert ended.status == "SUCCEEDED", ended
    assert ended.output["JobRunState"] == "SUCCEEDED"
    run = ended.output["Id"]
    report = json.loads(out.read_text())
    # Java's own 48 MiB with the settings of tests were too few for a whole build.
    assert report.pop("code_cache") >= 200 * 1024 * 1024
    # Java leaves out, without a word, an archive that does not fit its jars.
    mapped = report.pop("maps")
    if (classes := os.environ.get("SLUICE_SPARK_CLASSES")) is not None:
        assert str(Path(classes).resolve()) in mapped
    assert report == {
        "arguments": {
            "--kept": "default",
            "--mode": "ok",
            "--out": str(out),
            "--JOB_NAME": job,
            "--JOB_RUN_ID": run,
        },
        "greeting": "hello",
        "sum": 45,
        "conf": ["one", "two words"],
        "zone": f"http://127.0.0.1:{emulator.port}",
    }
    assert (emulator.logs / f"glue-{job}-{run}.log").exists()
    last = json.loads((emulator.logs / "memory.jsonl").read_text().splitlines()[-1])
    assert (last["part"], last["name"]) == ("glue", job)
    assert last["peakRssBytes"] > 100_000_000

    failed = emulator.run(machine(job, {"--mode": "fail"}))
    assert failed.error == "States.TaskFailed"
    report = json.loads(failed.cause or "")
    assert report["JobRunState"] == "FAILED"
    assert report["ErrorMessage"] == "ValueError: what went wrong"


def test_one_run_at_a_time_which_can_be_stopped_or_killed(emulator: Emulator, job: str) -> None:
    run = emulator.glue.start_job_run(JobName=job)["JobRunId"]
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        emulator.glue.start_job_run(JobName=job)
    assert emulator.run(machine(job, {})).error == "Glue.ConcurrentRunsExceededException"
    state = wait_for(emulator, job, run, "RUNNING")
    assert "CompletedOn" not in state
    sleeping(emulator, job, run)
    (running,) = emulator.ask("GET", "/emulator/running")["glueJobRuns"]
    assert (running["jobName"], running["runId"], running["state"]) == (job, run, "RUNNING")
    assert emulator.ask("POST", "/emulator/kill-glue") == {"killed": 1}
    assert "exit code -9" in wait_for(emulator, job, run, "FAILED")["ErrorMessage"]

    # Stopping an execution stops the job that it waits for.
    arn = emulator.start(machine(job, {}))
    second = eventually(lambda: active_run(emulator, job), 10)
    wait_for(emulator, job, second, "RUNNING")
    emulator.states.stop_execution(executionArn=arn)
    wait_for(emulator, job, second, "STOPPED")
    assert emulator.ended(arn).status == "ABORTED"


def wait_for(emulator: Emulator, job: str, run: str, state: str) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        found = emulator.glue.get_job_run(JobName=job, RunId=run)["JobRun"]
        return {**found} if found["JobRunState"] == state else None

    return eventually(reached, 30)


def active_run(emulator: Emulator, job: str) -> str | None:
    """The run that has not ended; the job has earlier ones, also those of other tests."""
    runs = emulator.glue.get_job_runs(JobName=job)["JobRuns"]
    return next((run["Id"] for run in runs if run["JobRunState"] in ("STARTING", "RUNNING")), None)


def sleeping(emulator: Emulator, job: str, run: str) -> None:
    log = emulator.logs / f"glue-{job}-{run}.log"
    eventually(lambda: "sleeping" in log.read_text(), 30)


def test_a_job_is_changed(emulator: Emulator) -> None:
    name = f"job-{uuid.uuid4()}"
    old: JobCommandTypeDef = {"Name": "glueetl", "ScriptLocation": "s3://scripts/old.py"}
    new: JobCommandTypeDef = {"Name": "glueetl", "ScriptLocation": "s3://scripts/new.py"}
    emulator.glue.create_job(Name=name, Role=emulator.role, Command=old)
    emulator.glue.update_job(
        JobName=name,
        JobUpdate={
            "Role": emulator.role,
            "Command": new,
            "DefaultArguments": {"--a": "b"},
        },
    )
    changed = emulator.glue.get_job(JobName=name)["Job"]
    assert changed["Command"]["ScriptLocation"] == "s3://scripts/new.py"
    assert changed["DefaultArguments"] == {"--a": "b"}


def test_the_value_of_conf_holds_many_settings() -> None:
    assert spark_submit.conf_settings("a=b --conf c=d e  --conf  f=--conf-like") == [
        "a=b",
        "c=d e",
        "f=--conf-like",
    ]
    assert spark_submit.conf_settings("") == []


def test_glue_keeps_its_own_arguments() -> None:
    given = {"--TempDir": "s3://x", "--enable-metrics": "true", "--job-language": "python"}
    passed = spark_submit.script_arguments({**given, "--a": "1"}, "job", "jr_1")
    assert passed == ["--a", "1", "--JOB_NAME", "job", "--JOB_RUN_ID", "jr_1"]
