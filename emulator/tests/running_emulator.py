"""An emulator as a child process, and what the tests need to talk to it."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from emulator.json_types import Json
from emulator.spark_submit import QUICK_START

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_glue import GlueClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient
    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

PROJECT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
PROBE = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:probe"

# What the probe does is chosen by its event.
PROBE_SOURCE = """
import fs from 'node:fs';
const attempts = new Map();
export const handler = async (event, context) => {
  if (event.log) console.log(event.log);
  if (event.boom) { const error = new Error('boom!'); error.name = 'Boom'; throw error; }
  if (event.failTimes !== undefined) {
    const file = `${process.env.TMPDIR ?? '/tmp'}/${event.key}`;
    const attempt = (fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0) + 1;
    fs.writeFileSync(file, String(attempt));
    if (attempt <= event.failTimes) { const e = new Error('again'); e.name = 'Boom'; throw e; }
    return { attempt };
  }
  if (event.folder) {
    const file = `${event.folder}/${process.pid}-${Math.random()}`;
    fs.writeFileSync(file, '');
    await new Promise((resolve) => setTimeout(resolve, event.sleepMs));
    const active = fs.readdirSync(event.folder).length;
    fs.unlinkSync(file);
    return { ...event, active };
  }
  if (event.sleepMs) await new Promise((resolve) => setTimeout(resolve, event.sleepMs));
  if (event.writeFile) fs.writeFileSync(event.writeFile, 'done');
  if (event.fill) { const all = []; for (;;) all.push(new Array(1e6).fill(Math.random())); }
  if (event.exit !== undefined) process.exit(event.exit);
  if (event.reject) { Promise.reject(new TypeError('unheard')); await new Promise(() => {}); }
  if (event.bytes) return { text: 'x'.repeat(event.bytes) };
  if (event.describe) {
    return { hello: process.env.HELLO, endpoint: process.env.AWS_ENDPOINT_URL, pid: process.pid,
      remaining: context.getRemainingTimeInMillis(), name: context.functionName,
      memory: context.memoryLimitInMB, id: context.awsRequestId, node: process.version };
  }
  return event;
};
"""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Ended:
    """How an execution ended."""

    arn: str
    status: str
    output: Any
    error: str | None
    cause: str | None
    seconds: float
    history: list[Mapping[str, Any]]

    @property
    def event_types(self) -> list[str]:
        return [str(event["type"]) for event in self.history]


class Emulator:
    """A running emulator."""

    def __init__(self, port: int, process: subprocess.Popen[str], logs: Path) -> None:
        self.port = port
        self.process = process
        self.logs = logs
        options: dict[str, Any] = {
            "endpoint_url": f"http://127.0.0.1:{port}",
            "region_name": "us-east-1",
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
            "config": Config(retries={"total_max_attempts": 1}, read_timeout=60),
        }
        self.functions: LambdaClient = boto3.client("lambda", **options)
        self.states: SFNClient = boto3.client("stepfunctions", **options)
        self.glue: GlueClient = boto3.client("glue", **options)
        self.s3: S3Client = boto3.client("s3", **options)
        self.dynamodb: DynamoDBClient = boto3.client("dynamodb", **options)
        created = boto3.client("iam", **options).create_role(
            RoleName="anything",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
        )
        self.role = created["Role"]["Arn"]
        self.cloudwatch_logs: CloudWatchLogsClient = boto3.client("logs", **options)

    def ask(self, method: str, path: str, body: Json = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def create_function(
        self, name: str, source: str, *, file: str = "index.mjs", timeout_seconds: int = 3
    ) -> None:
        self.functions.create_function(
            FunctionName=name,
            Runtime="nodejs24.x",
            Role=self.role,
            Handler="index.handler",
            Code={"ZipFile": zipped({file: source})},
            Timeout=timeout_seconds,
            MemorySize=128,
            Environment={"Variables": {"HELLO": "hello"}},
        )

    def invoke(self, name: str, event: Mapping[str, object]) -> tuple[Any, str | None]:
        """The payload, and the kind of error if it failed."""
        answer = self.functions.invoke(FunctionName=name, Payload=json.dumps(event))
        return json.load(answer["Payload"]), answer.get("FunctionError")

    def create_machine(self, definition: Mapping[str, object]) -> str:
        created = self.states.create_state_machine(
            name=f"machine-{uuid.uuid4()}",
            definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
            roleArn=self.role,
        )
        return created["stateMachineArn"]

    def start(self, definition: Mapping[str, object], value: object = None) -> str:
        started = self.states.start_execution(
            stateMachineArn=self.create_machine(definition),
            input=json.dumps({} if value is None else value),
        )
        return started["executionArn"]

    def run(self, definition: Mapping[str, object], value: object = None) -> Ended:
        started = time.monotonic()
        arn = self.start(definition, value)
        return self.ended(arn, started)

    def ended(self, arn: str, started: float | None = None) -> Ended:
        begun = time.monotonic() if started is None else started

        def described() -> DescribeExecutionOutputTypeDef | None:
            found = self.states.describe_execution(executionArn=arn)
            return None if found["status"] == "RUNNING" else found

        found = eventually(described, 40)
        seconds = time.monotonic() - begun
        return Ended(
            arn,
            found["status"],
            json.loads(found["output"]) if "output" in found else None,
            found.get("error"),
            found.get("cause"),
            seconds,
            self.history(arn),
        )

    def history(self, arn: str) -> list[Mapping[str, Any]]:
        pages = self.states.get_paginator("get_execution_history").paginate(
            executionArn=arn, PaginationConfig={"PageSize": 1000}
        )
        return [event for page in pages for event in page["events"]]


def eventually(find: Callable[[], Value | None], seconds: float) -> Value:
    """The first value that is not None and not False, asked for again until the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < deadline, f"nothing came within {seconds} s"
        time.sleep(0.05)


def zipped(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_emulator(folder: Path) -> Emulator:
    port = free_port()
    classes = os.environ.get("SLUICE_SPARK_CLASSES")
    (folder / "jars").mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "emulator"),
            *("--port", str(port)),
            *("--log-dir", str(folder / "log")),
            *("--work-dir", str(folder / "work")),
            *("--node", str(PROJECT / "node_modules" / ".bin" / "node")),
            *("--spark-python", sys.executable),
            *("--spark-jars", os.environ.get("SLUICE_SPARK_JARS", str(folder / "jars"))),
            *("--spark-memory", "512m", f"--spark-java-options={QUICK_START}"),
            *(("--spark-classes", classes) if classes is not None else ()),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT / "emulator"),
            "TMPDIR": str(folder / "tmp"),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return Emulator(port, process, folder / "log")
