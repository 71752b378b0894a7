"""A real Spark with Iceberg against an emulated AWS, and builders for what the build reads."""

import gzip
import hashlib
import io
import itertools
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from emulator.settings import SparkSettings
from moto.glue import models as glue_models
from moto.glue import responses as glue_responses
from moto.glue.exceptions import GlueClientError
from moto.server import ThreadedMotoServer
from pyspark.sql import Row, SparkSession
from sluice_build.build.result import TableResult
from sluice_build.build.run import new_job, run_build
from sluice_build.build.session import ship_package
from sluice_build.contract.arguments import Arguments
from sluice_build.stores.catalog import definitions_database

from emulator import dispatch, spark_submit

_glue_lock = threading.RLock()
_update_table = glue_responses.GlueResponse.update_table


class _ConcurrentModification(GlueClientError):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__("ConcurrentModificationException", "the table has another version")


def _checked_update(self: Any) -> object:  # noqa: ANN401
    # AWS refuses an update of an older version; the emulator does not, and would lose commits.
    with _glue_lock:
        wanted = self.parameters.get("VersionId")
        if wanted is not None:
            table = self.glue_backend.get_table(
                self.parameters["DatabaseName"], self.parameters["TableInput"]["Name"]
            )
            if str(table.as_dict()["VersionId"]) != str(wanted):
                raise _ConcurrentModification()
        return _update_table(self)


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    assert glue_models is not None
    glue_responses.GlueResponse.update_table = _checked_update
    dispatch.install()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "PYSPARK_PYTHON": sys.executable,
    }
    os.environ.update(settings)
    yield endpoint
    server.stop()


def _spark_settings() -> SparkSettings:
    """How Spark is started for a Glue job too; its jars are those of local/spark/pom.xml."""
    folder = os.environ.get("SLUICE_SPARK_JARS")
    if folder is None or not Path(folder).is_dir():
        pytest.fail(
            "SLUICE_SPARK_JARS does not name the folder of Spark's jars: fill one with "
            "mvn -f local/spark/pom.xml dependency:copy-dependencies -DoutputDirectory=<folder>"
        )
    classes = os.environ.get("SLUICE_SPARK_CLASSES")
    return SparkSettings(
        python=Path(sys.executable).absolute(),
        jars=Path(folder).resolve(),
        driver_memory="1g",
        java_options=spark_submit.QUICK_START,
        classes=None if classes is None else Path(classes).resolve(),
    )


@pytest.fixture(scope="session")
def spark(aws: str) -> Iterator[SparkSession]:
    catalog = "spark.sql.catalog.lake"
    program = _spark_settings()
    settings = {
        "spark.driver.extraClassPath": spark_submit.class_path(program),
        "spark.driver.memory": program.driver_memory,
        "spark.driver.extraJavaOptions": spark_submit.java_options(program),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{catalog}.warehouse": "s3://unused/lake",
        f"{catalog}.glue.endpoint": aws,
        f"{catalog}.s3.endpoint": aws,
        f"{catalog}.s3.path-style-access": "true",
        f"{catalog}.client.region": "us-east-1",
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": aws,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        "spark.hadoop.fs.s3a.aws.credentials.provider": (
            "com.amazonaws.auth.EnvironmentVariableCredentialsProvider"
        ),
    }
    builder = SparkSession.builder.appName("test").master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    ship_package(session)
    yield session
    session.stop()


GLUE_NAMES = {"long": "bigint", "json": "string"}


def in_glue(declared: Any, types: list[Any], sources: list[Any]) -> str:  # noqa: ANN401
    """A declared type as Glue writes it; what that leaves open is put into the lists."""
    if isinstance(declared, str):
        if declared in ("string", "json", "timestamp"):
            types.append("json" if declared == "json" else 0)
        return GLUE_NAMES.get(declared, declared)
    [(kind, inner)] = declared.items()
    if kind == "timestamp":
        types.append(inner)
        return "timestamp"
    if kind == "decimal":
        return f"decimal({inner[0]},{inner[1]})"
    if kind in ("list", "map"):
        text = in_glue(inner, types, sources)
        return f"array<{text}>" if kind == "list" else f"map<string,{text}>"
    fields = []
    for part in inner:
        sources.append(part.get("from", 0))
        fields.append(f"{part['name']}:{in_glue(part['type'], types, sources)}")
    return f"struct<{','.join(fields)}>"


class Stopped(BaseException):
    """Stands for a job that is killed: nothing of the build's own may catch it."""


@dataclass
class World:
    """One deployment: its catalog, ledger and objects, and the builds that are run on them."""

    spark: SparkSession
    deployment: str
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    manifests: dict[str, int] = field(default_factory=dict)
    catalog_stacks: int = 1

    def __post_init__(self) -> None:
        boto3.client("s3").create_bucket(Bucket=self.bucket)
        boto3.client("dynamodb").create_table(
            TableName=self.ledger,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        glue = boto3.client("glue")
        glue.create_database(DatabaseInput={"Name": self.definitions})
        glue.create_database(
            DatabaseInput={
                "Name": f"{self.deployment}_lake",
                "LocationUri": f"s3://{self.bucket}/lake",
            }
        )

    @property
    def definitions(self) -> str:
        """The database of the one catalog stack."""
        return definitions_database(self.deployment, 0)

    @property
    def bucket(self) -> str:
        return f"{self.deployment}-data"

    @property
    def ledger(self) -> str:
        return f"{self.deployment}-ledger"

    def define(
        self,
        name: str,
        columns: dict[str, Any],
        key: list[str],
        *,
        paths: dict[str, list[str]] | None = None,
        required: tuple[str, ...] = (),
        deletes: dict[str, Any] | None = None,
        checks: list[dict[str, str]] | None = None,
        partitioning: list[dict[str, Any]] | None = None,
        publish: bool = True,
        sql: str | None = None,
        python: str | None = None,
        inputs: list[str] | None = None,
    ) -> None:
        """Put a table's definition, or with a script a model's, into the Data Catalog."""
        script = sql or python
        kind = "table" if script is None else "model"
        parameters = {
            "sluice.format": "2",
            "sluice.kind": kind,
            "sluice.owner": "team",
            "sluice.key": json.dumps(key),
            "sluice.partitioning": json.dumps(partitioning or []),
            "sluice.checks": json.dumps(checks or []),
            "sluice.publish": json.dumps(
                {"distribution": {"style": "even"}, "sortKeys": []} if publish else None
            ),
        }
        amendments: dict[str, Any] = {}
        glue_columns = []
        for column, column_type in columns.items():
            types: list[Any] = []
            sources: list[Any] = []
            text = in_glue(column_type, types, sources)
            glue_columns.append({"Name": column, "Type": text, "Comment": ""})
            amendments[column] = {"type": types, "from": sources}
        parameters["sluice.required"] = ",".join(required)
        parameters["sluice.paths"] = json.dumps(paths or {})
        parameters["sluice.types"] = json.dumps(amendments)
        if script is None:
            parameters["sluice.deletes"] = json.dumps(deletes or {"strategy": "none"})
        else:
            asset = f"assets/{hashlib.sha256(script.encode()).hexdigest()}"
            boto3.client("s3").put_object(Bucket=self.bucket, Key=asset, Body=script.encode())
            parameters["sluice.language"] = "sql" if sql else "python"
            parameters["sluice.script"] = f"s3://{self.bucket}/{asset}"
            parameters["sluice.inputs"] = json.dumps(inputs or [])
        text = json.dumps(parameters, sort_keys=True)
        parameters["sluice.fingerprint"] = hashlib.sha256(text.encode()).hexdigest()
        table = {
            "Name": name,
            "Parameters": parameters,
            "StorageDescriptor": {"Columns": glue_columns},
        }
        glue = boto3.client("glue")
        try:
            glue.create_table(DatabaseName=self.definitions, TableInput=table)  # type: ignore[arg-type]
        except glue.exceptions.AlreadyExistsException:
            glue.update_table(DatabaseName=self.definitions, TableInput=table)  # type: ignore[arg-type]

    def put_object(
        self,
        table: str,
        lines: list[Any],
        pass_id: str = "rows-1",
        rows: int | None = None,
    ) -> dict[str, Any]:
        """Write an object of lines (values, or text as it is); gives its record."""
        key = f"raw/{table}/{pass_id}/0/{next(self.numbers):06d}-1-{self.deployment}.ndjson.gz"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        body = gzip.compress("".join(f"{text}\n" for text in texts).encode())
        etag = boto3.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)["ETag"]
        observed = [line["observed_at"] for line in lines if isinstance(line, dict)] or [0]
        ops = {line["op"] for line in lines if isinstance(line, dict)}
        return {
            "key": key,
            "etag": etag,
            "rows": len(lines) if rows is None else rows,
            "bytes": len(body),
            "op": "key" if ops == {"key"} else "upsert",
            "pass": pass_id,
            "split": "0",
            "sequence": 0,
            "observedFrom": min(observed),
            "observedTo": max(observed),
        }

    def commit(
        self,
        table: str,
        *objects: dict[str, Any],
        completed: list[dict[str, Any]] | None = None,
    ) -> int:
        """Write the next manifest of a table and move its progress."""
        number = self.manifests.get(table, 0) + 1
        key = f"manifests/{table}/{number:010d}-1-{self.deployment}.json"
        upserts = [item["rows"] for item in objects if item["op"] == "upsert"]
        manifest = {
            "format": 1,
            "table": table,
            "number": number,
            "run": "r",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "objects": list(objects),
            "rows": sum(upserts),
            "keys": sum(item["rows"] for item in objects) - sum(upserts),
            "window": None,
            "completed": completed or [],
        }
        body = json.dumps(manifest).encode()
        etag = boto3.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)["ETag"]
        ledger = boto3.resource("dynamodb").Table(self.ledger)
        ledger.put_item(
            Item={
                "pk": f"table#{table}",
                "sk": f"manifest#{number:010d}",
                "key": key,
                "etag": etag,
                "rows": sum(upserts),
                "run": "r",
            }
        )
        ledger.put_item(
            Item={
                "pk": f"table#{table}",
                "sk": "progress",
                "lastManifest": number,
                "watermark": None,
                "passes": {},
                "committed": {},
                "passNumber": 1,
                "lastKeysPassStartedAt": None,
            }
        )
        self.manifests[table] = number
        return number

    def load(self, table: str, *lines: dict[str, Any] | str) -> int:
        """Commit one manifest with one object of these lines."""
        return self.commit(table, self.put_object(table, list(lines)))

    def ask_replace(self, table: str, requested_at: int = 1, **more: Any) -> None:  # noqa: ANN401
        """Ask for a whole copy as Load does."""
        item = {
            "pk": f"table#{table}",
            "sk": "replace",
            "state": "asked",
            "requestedAt": requested_at,
            "run": "one",
            "contentId": "1",
            "fingerprint": "f",
            "cause": "broken-chain",
            "reason": "no delta for 1",
            "times": 2,
        }
        boto3.resource("dynamodb").Table(self.ledger).put_item(Item=item | more)

    def replace_item(self, table: str) -> dict[str, Any] | None:
        """What the ledger has of a request."""
        return (
            boto3.resource("dynamodb")
            .Table(self.ledger)
            .get_item(Key={"pk": f"table#{table}", "sk": "replace"})
            .get("Item")
        )

    def replace_state(self, table: str) -> str | None:
        """Whether a request is `asked`, `written` or `loaded`."""
        item = self.replace_item(table)
        return None if item is None else str(item["state"])

    def build(
        self,
        *tables: str,
        after_step: Callable[[str, str], None] | None = None,
        version: str = "v1",
    ) -> dict[str, TableResult]:
        """Run one build; gives the records by table."""
        run = f"{self.deployment}-{next(self.numbers)}"
        arguments = Arguments(
            self.deployment,
            self.bucket,
            self.ledger,
            run,
            self.catalog_stacks,
            tables or None,
            version,
        )
        job = new_job(arguments)
        if after_step is not None:
            job = replace(job, after_step=after_step)
        records = {item.table: item for item in run_build(self.spark, arguments, job)}
        written = json.loads(self.read(f"runs/{run}/build.json"))
        assert [item["table"] for item in written["tables"]] == sorted(records)
        return records

    def decide(self, version: str = "v1") -> str | None:
        """Why the next build is due, as a run decides it; None if nothing is to be built."""
        node = shutil.which("node")
        assert node is not None, "node is not on PATH: start the tests by npm test"
        script = Path(__file__).parent / "decide-build.ts"
        decided = subprocess.run(
            [
                *[node, script, self.deployment, self.bucket, self.ledger, version],
                str(self.catalog_stacks),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        assert decided.returncode == 0, decided.stderr
        decision = json.loads(decided.stdout)
        return str(decision["reason"]) if decision["build"] else None

    def name(self, table: str) -> str:
        return f"lake.{self.deployment}_lake.{table}"

    def rows(self, table: str, *columns: str, where: str = "not _tombstone") -> list[Row]:
        """Rows of main, in the order of the first column's text."""
        names = columns or ("*",)
        # The builds have catalogs of their own, this session's cache does not know of them.
        self.spark.sql(f"REFRESH TABLE {self.name(table)}")
        rows = self.spark.table(self.name(table)).where(where).selectExpr(*names).collect()
        return sorted(rows, key=lambda row: str(row[0]))

    def snapshots(self, table: str) -> int:
        self.spark.sql(f"REFRESH TABLE {self.name(table)}")
        return self.spark.table(f"{self.name(table)}.snapshots").count()

    def refs(self, table: str) -> list[str]:
        self.spark.sql(f"REFRESH TABLE {self.name(table)}")
        rows = self.spark.table(f"{self.name(table)}.refs").select("name").collect()
        return sorted(row[0] for row in rows)

    def read(self, key: str) -> bytes:
        return boto3.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def keys(self, prefix: str) -> list[str]:
        response = boto3.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in response.get("Contents", [])]

    def delta(self, table: str, content_id: str | None) -> tuple[dict[str, Any], list[list[Any]]]:
        """A delta and the rows of its files, each checked against what the delta says of it."""
        delta = json.loads(self.read(f"deltas/{table}/{content_id}.json"))
        rows: list[list[Any]] = []
        for file in delta["files"]:
            body = self.read(file["url"].removeprefix(f"s3://{self.bucket}/"))
            assert len(body) == file["contentLength"]
            parquet = pq.read_table(io.BytesIO(body))
            assert parquet.num_rows == file["rows"]
            expected = [column["name"] for column in delta["columns"]]
            expected += ["_deleted"] if delta["kind"] == "merge" else []
            assert parquet.column_names == expected
            rows += [list(row.values()) for row in parquet.to_pylist()]
        assert len(rows) == delta["rows"] + delta["deletes"]
        return delta, sorted(rows, key=str)

    def quarantine(self, table: str) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        for key in self.keys(f"quarantine/{table}/"):
            text = gzip.decompress(self.read(key)).decode()
            lines += [json.loads(line) for line in text.splitlines()]
        return lines


_deployments = itertools.count(1)


@pytest.fixture
def world(spark: SparkSession) -> World:
    """A deployment of its own for each test."""
    return World(spark, f"d{next(_deployments)}")


def upsert(doc: dict[str, Any], version: int, observed_at: int | None = None) -> dict[str, Any]:
    """An object line of a row as it was seen."""
    return {
        "op": "upsert",
        "id": None,
        "version": [version, 0, 0],
        "observed_at": version if observed_at is None else observed_at,
        "doc": doc,
    }


def key_line(doc: dict[str, Any], observed_at: int) -> dict[str, Any]:
    """An object line of a key that exists."""
    return {"op": "key", "id": None, "observed_at": observed_at, "doc": doc}
