"""Starts the emulator and serves until it is asked to end.

Prints the one line `ready` when it serves.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import shutil
import signal
import threading
from pathlib import Path

from emulator.settings import ACCESS_KEY, SECRET_KEY, Settings, SparkSettings

_HERE = Path(__file__).resolve().parent
_PROJECT = _HERE.parents[1]


def _worker(name: str) -> Path:
    """A program of Node beside this package: compiled where it is installed, TypeScript else."""
    compiled = _HERE.parent / f"{name}.js"
    return compiled if compiled.exists() else compiled.with_suffix(".ts")


def read_settings(argv: list[str] | None = None) -> Settings:
    """What the command line and the environment say."""
    parser = argparse.ArgumentParser(prog="emulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log-dir", type=Path, required=True)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--node", type=Path, required=True, help="the program node, version 24")
    parser.add_argument("--jsonata", type=Path, default=_PROJECT / "node_modules" / "jsonata")
    parser.add_argument("--lambda-worker", type=Path, default=_worker("lambda-worker"))
    parser.add_argument("--spark-python", type=Path, help="python of the environment with pyspark")
    parser.add_argument("--spark-jars", type=Path, help="folder with the jars of Iceberg and S3")
    parser.add_argument("--spark-classes", type=Path, help="archive of the classes Spark loads")
    parser.add_argument("--spark-memory", default="2g", help="of Spark's driver")
    parser.add_argument("--spark-java-options", default="", help="of Spark's driver")
    parser.add_argument("--postgres-url", help="what stands for Redshift")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--account", default="123456789012")
    given = parser.parse_args(argv)
    spark = None
    if given.spark_python is not None and given.spark_jars is not None:
        spark = SparkSettings(
            # Not resolved: the link is how Python knows that it is in a virtual environment.
            python=given.spark_python.absolute(),
            jars=given.spark_jars.resolve(),
            driver_memory=given.spark_memory,
            java_options=given.spark_java_options,
            classes=given.spark_classes and given.spark_classes.resolve(),
        )
    return Settings(
        port=given.port,
        region=given.region,
        account=given.account,
        log_dir=given.log_dir.resolve(),
        work_dir=given.work_dir.resolve(),
        node=given.node.absolute(),
        jsonata=given.jsonata.resolve(),
        lambda_worker=given.lambda_worker.resolve(),
        jsonata_worker=_worker("jsonata-worker"),
        spark=spark,
        postgres_url=given.postgres_url,
    )


def main() -> None:
    """Serve until SIGTERM or SIGINT, then leave nothing running."""
    settings = read_settings()
    for folder in (settings.log_dir, settings.work_dir):
        folder.mkdir(parents=True, exist_ok=True)
    _empty(settings.work_dir)
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # moto reads these when its modules are loaded, so they are loaded only below.
    os.environ.update(
        {
            **settings.credentials(),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "MOTO_PORT": str(settings.port),
            "MOTO_ACCOUNT_ID": settings.account,
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        }
    )
    serve(settings)


def _empty(work_dir: Path) -> None:
    for name in ("functions", "glue"):
        shutil.rmtree(work_dir / name, ignore_errors=True)


def serve(settings: Settings) -> None:
    """Build the services and serve them until a signal comes."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    from emulator import (
        dispatch,
        dynamodb,
        glue_catalog,
        glue_jobs,
        lambda_service,
        s3,
        stepfunctions,
    )
    from emulator.children import Children
    from emulator.control import Control
    from emulator.lambda_runtime import LambdaRuntime
    from emulator.memory import MemoryLog

    children = Children()
    memory = MemoryLog(settings.log_dir / "memory.jsonl")
    functions = LambdaRuntime(settings, children, memory)
    jobs = glue_jobs.GlueJobs(settings, children, memory)
    engine = stepfunctions.Engine(settings, children, functions)

    dispatch.install()
    dynamodb.install()
    s3.install()
    glue_catalog.install()
    glue_jobs.install(jobs)
    lambda_service.install(functions)
    stepfunctions.install(engine)
    if settings.postgres_url is not None:
        importlib.import_module("emulator.warehouse").install(settings.postgres_url, settings.port)

    application = Control(DomainDispatcherApplication(create_backend_app), functions, jobs)
    server = make_server(
        "127.0.0.1",
        settings.port,
        application,
        threaded=True,
        request_handler=MotoRequestHandler,
    )

    def end(*_signal: object) -> None:
        # shutdown() waits for the loop of this same thread, so another one must call it.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print("ready", flush=True)
    try:
        server.serve_forever()
    finally:
        children.kill_all()
        engine.close()
        _empty(settings.work_dir)
        # Threads of calls that wait would hold the process; all that they wait for is gone.
        logging.shutdown()
        os._exit(0)


if __name__ == "__main__":
    main()
