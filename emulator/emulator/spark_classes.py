"""Writes an archive of the classes that a Glue job's Spark loads.

Java calls it class data sharing (`java -XX:ArchiveClassesAtExit`): with the archive, classes are
mapped into memory instead of being read from jars, parsed and verified. The archive is good for
the Java and the jars that it was written with.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import tempfile
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from emulator import spark_submit
from emulator.settings import Access, SparkSettings
from emulator.spark_submit import ScriptFiles

_TRAINING = Path(__file__).parent / "spark_training.py"
_REGION = "us-east-1"
_CONF = " --conf ".join(
    [
        "spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.lake=org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.lake.io-impl=org.apache.iceberg.aws.s3.S3FileIO",
    ]
)


def write_archive(python: Path, jars: Path, archive: Path) -> None:
    """Run a small job whose Java writes the archive when it ends.

    Raises:
        subprocess.CalledProcessError: the job failed; its output says why.
        FileNotFoundError: Java wrote no archive.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        _run_training(Access(port, _REGION), python, jars, archive)
    finally:
        server.stop()
    if not archive.is_file():
        raise FileNotFoundError(f"Java ended well and wrote no {archive}")


def _run_training(access: Access, python: Path, jars: Path, archive: Path) -> None:
    spark = SparkSettings(
        python=python,
        jars=jars,
        driver_memory="1g",
        java_options=f"{spark_submit.QUICK_START} -XX:ArchiveClassesAtExit={archive}",
        classes=None,
    )
    _prepare(access)
    with tempfile.TemporaryDirectory(prefix="sluice-spark-") as name:
        folder = Path(name)
        spark_submit.write_configuration(folder, access, spark)
        subprocess.run(
            spark_submit.command(spark, ScriptFiles(_TRAINING, []), {"--conf": _CONF}, []),
            cwd=folder,
            env=spark_submit.environment(access, spark, folder, "training", "training"),
            check=True,
        )


def _prepare(access: Access) -> None:
    credentials = access.credentials()
    session = boto3.session.Session(
        credentials["AWS_ACCESS_KEY_ID"], credentials["AWS_SECRET_ACCESS_KEY"], None, _REGION
    )
    session.client("s3", endpoint_url=access.endpoint).create_bucket(Bucket="training")
    session.client("glue", endpoint_url=access.endpoint).create_database(
        DatabaseInput={"Name": "training", "LocationUri": "s3://training/lake"}
    )


def main() -> None:
    """Read the command line and write the archive."""
    parser = argparse.ArgumentParser(prog="emulator.spark_classes", description=__doc__)
    parser.add_argument("--spark-python", type=Path, required=True)
    parser.add_argument("--spark-jars", type=Path, required=True)
    parser.add_argument("--archive", type=Path, required=True)
    given = parser.parse_args()
    write_archive(
        given.spark_python.absolute(), given.spark_jars.resolve(), given.archive.resolve()
    )


if __name__ == "__main__":
    main()
