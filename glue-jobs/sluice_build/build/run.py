"""One build: everything that is out of date, in the order of dependencies, several at a time."""

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from uuid import uuid4

from pyspark.sql import SparkSession

from sluice_build.build.job import Content, Job, nothing_more, present_content
from sluice_build.build.log import LOGGER, about_run, about_table
from sluice_build.build.model_build import build_model
from sluice_build.build.plan import inputs_of, ready, selection
from sluice_build.build.result import TableResult
from sluice_build.build.session import own_session
from sluice_build.build.summary import SUMMARY_KEY, summary
from sluice_build.build.table_build import build_table
from sluice_build.contract.arguments import Arguments
from sluice_build.contract.errors import cause
from sluice_build.stores.catalog import (
    Definition,
    ModelDefinition,
    TableDefinition,
    read_definitions,
)
from sluice_build.stores.ledger import Ledger
from sluice_build.stores.storage import Bucket, glue_client, ledger_table, s3_client

AT_ONCE = 2


def run_build(
    spark: SparkSession, arguments: Arguments, job: Job | None = None
) -> list[TableResult]:
    """Build what is out of date and write `runs/<run>/build.json`; gives its records.

    A build of everything then writes `builds/latest.json`, from which a run finds out whether the
    next build is due.

    A table that fails says so in its record, and its dependents are skipped. Raises what the Data
    Catalog or the bucket raises when the work cannot be done at all.
    """
    with about_run(arguments.run):
        return _run_build(spark, arguments, job or new_job(arguments))


def _run_build(spark: SparkSession, arguments: Arguments, job: Job) -> list[TableResult]:
    definitions, bad = read_definitions(
        glue_client(), arguments.deployment, arguments.catalog_stacks
    )
    entries = {definition.name: definition for definition in definitions}
    chosen = selection(definitions, arguments.tables)
    results = {
        item.name: TableResult(item.name, item.kind, "failed", error=item.reason)
        for item in bad
        if arguments.tables is None or item.name in arguments.tables
    }
    for name in arguments.tables or ():
        if name not in entries and name not in results:
            results[name] = TableResult(
                name, "table", "failed", error=f"{name} is not in the Data Catalog: deploy it first"
            )
    build = _Build(spark, job, entries, chosen, results)
    _build_all(build)
    records = [results[name] for name in sorted(results)]
    job.after_step("", "built")
    job.bucket.put_json(
        f"runs/{arguments.run}/build.json",
        {"format": 1, "tables": [record.to_json() for record in records]},
    )
    job.after_step("", "reported")
    # A part says nothing of the whole; the next run finds that the lake is another than was left.
    if arguments.tables is None:
        job.bucket.put_json(
            SUMMARY_KEY, summary(arguments, records, entries, build.contents, build.inputs)
        )
    return records


def new_job(arguments: Arguments) -> Job:
    """The job that a build's arguments ask for, with a fresh attempt id."""
    return Job(
        deployment=arguments.deployment,
        run=arguments.run,
        attempt=uuid4().hex[:12],
        bucket=Bucket(arguments.bucket, s3_client()),
        ledger=Ledger(ledger_table(arguments.ledger)),
        after_step=nothing_more,
    )


class _Build:
    """A build under way: which contents can be read, and what happened so far."""

    def __init__(
        self,
        spark: SparkSession,
        job: Job,
        entries: dict[str, Definition],
        chosen: set[str],
        results: dict[str, TableResult],
    ) -> None:
        self.spark = spark
        self.job = job
        self.entries = entries
        self.chosen = chosen
        self.results = results
        self.contents: dict[str, Content] = {}
        self.inputs: dict[str, dict[str, str]] = {}
        self._workers = threading.local()

    def session(self) -> SparkSession:
        """The session of the present worker."""
        if not hasattr(self._workers, "session"):
            self._workers.session = own_session(self.spark)
        session: SparkSession = self._workers.session
        return session


def _build_all(build: _Build) -> None:
    # An input outside the selection waits for nothing: its present content is read.
    inputs = {
        name: [item for item in inputs_of(build.entries[name]) if item in build.chosen]
        for name in build.chosen
    }
    waiting, finished = set(build.chosen), set[str]()
    with ThreadPoolExecutor(AT_ONCE, "build") as pool:
        running: dict[Future[None], str] = {}
        while waiting or running:
            for name in ready(waiting, inputs, finished):
                waiting.remove(name)
                # A thread does not see what the log's lines name unless it is given the context.
                running[pool.submit(copy_context().run, _build_one, build, name)] = name
            if not running:
                for name in waiting:
                    message = f"{name} depends on itself: {', '.join(inputs[name])}"
                    kind = build.entries[name].kind
                    build.results[name] = TableResult(name, kind, "failed", error=message)
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                finished.add(running.pop(future))
                future.result()


def _build_one(build: _Build, name: str) -> None:
    with about_table(name):
        _build_entry(build, name)


def _build_entry(build: _Build, name: str) -> None:
    definition = build.entries[name]
    result = TableResult(name, definition.kind)
    build.results[name] = result
    began = time.monotonic()
    try:
        spark = build.session()
        if isinstance(definition, TableDefinition):
            build_table(build.job, spark, definition, result)
        else:
            _build_model(build, spark, definition, result)
        content = present_content(build.job, spark, definition)
        if content is not None and result.status not in ("failed", "skipped"):
            build.contents[name] = content
    except Exception as error:
        result.status = "failed"
        result.error = cause(error)
        LOGGER.exception("where it failed")
        # Last, for the end of a log is what people see first.
        LOGGER.error(f"failed: {result.error}")
    result.seconds = time.monotonic() - began


def _build_model(
    build: _Build, spark: SparkSession, definition: ModelDefinition, result: TableResult
) -> None:
    inputs: dict[str, Content] = {}
    for name in definition.inputs:
        content = build.contents.get(name)
        if content is None and name in build.entries and name not in build.chosen:
            content = present_content(build.job, spark, build.entries[name])
        if content is None:
            failed = _why_missing(build, name)
            result.status = "skipped"
            result.error = f"its input {name} is not there ({failed}): fix that and run again"
            LOGGER.warning(f"skipped: {result.error}")
            return
        inputs[name] = content
    build.inputs[definition.name] = {name: item.content_id for name, item in inputs.items()}
    build_model(build.job, spark, definition, inputs, result)


def _why_missing(build: _Build, name: str) -> str:
    if name in build.results:
        return build.results[name].status
    return "never built" if name in build.entries else "not in the Data Catalog"
