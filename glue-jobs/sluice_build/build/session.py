"""The Spark sessions of a build, and the settings that are the job's own."""

import atexit
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from pyspark.sql import SparkSession

# What the results depend on. Catalog, endpoints and sizes come from spark-submit.
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # COPY takes timestamps as 64-bit microseconds, and days before 1582 as they are.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "4096",
}


def own_session(spark: SparkSession) -> SparkSession:
    """A session with its own views and settings, so that tables can be built at once.

    It has its own Iceberg catalog, with its own cache of tables: a worker keeps its session for a
    whole build, and no table changes after another worker could have read it.
    """
    session = spark.newSession()
    for name, value in _SETTINGS.items():
        session.conf.set(name, value)
    return session


def ship_package(spark: SparkSession) -> None:
    """Give this package to the Python workers where it is a plain folder beside the job."""
    package = Path(__file__).parents[1]
    if not package.is_dir():
        return  # A zip of --extra-py-files reaches the workers by itself.
    folder = Path(tempfile.mkdtemp(prefix="sluice-build-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    archive = folder / "sluice_build.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for source in sorted(package.rglob("*")):
            if source.suffix in (".py", ".json"):
                target.write(source, str(source.relative_to(package.parent)))
    spark.sparkContext.addPyFile(str(archive))
    # The driver goes on with the folder itself.
    sys.path[:] = [entry for entry in sys.path if not entry.endswith(archive.name)]
