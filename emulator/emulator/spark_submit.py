"""How a Glue job becomes a spark-submit here: its arguments, settings and environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.settings import Access, SparkSettings

# What Glue itself consumes; a script sees all else as --KEY value.
_RESERVED = frozenset(
    {
        "--additional-python-modules",
        "--python-modules-installer-option",
        "--class",
        "--conf",
        "--datalake-formats",
        "--disable-proxy",
        "--disable-proxy-v2",
        "--executor-cores",
        "--extra-files",
        "--extra-jars",
        "--extra-py-files",
        "--job-language",
        "--library-set",
        "--redshift-query-tag",
        "--scriptLocation",
        "--spark-event-logs-path",
        "--user-jars-first",
        "--use-postgres-driver",
        "--customer-driver-env-vars",
        "--customer-executor-env-vars",
        "--job-bookmark-option",
        "--job-bookmark-from",
        "--job-bookmark-to",
        "--write-shuffle-files-to-s3",
        "--write-shuffle-spills-to-s3",
        "--continuous-log-logGroup",
        "--custom-logGroup-prefix",
        "--custom-logStream-prefix",
        "--TempDir",
    }
)
_RESERVED_PREFIXES = ("--enable-", "--continuous-log-")
# Options of a Java that is mostly start-up.
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# Java's own choice with -XX:TieredStopAtLevel=1 is 48 MiB. A build of the example fills that, and
# Spark then ends in the middle: "VirtualMachineError: Out of space in CodeCache for adapters".
_CODE_CACHE = "-XX:ReservedCodeCacheSize=240m"
_SITE = Path(__file__).parent / "spark_driver"
_DRIVER_LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n%ex
"""


@dataclass(frozen=True)
class ScriptFiles:
    """A job's script and the modules beside it, as files on this machine."""

    script: Path
    python_files: Sequence[Path]


def script_arguments(arguments: Mapping[str, str], job_name: str, run_id: str) -> list[str]:
    """What the script finds in sys.argv after its own name."""
    passed = {
        key: value
        for key, value in arguments.items()
        if key not in _RESERVED and not key.startswith(_RESERVED_PREFIXES)
    }
    everything = {**passed, "--JOB_NAME": job_name, "--JOB_RUN_ID": run_id}
    return [text for pair in everything.items() for text in pair]


def conf_settings(value: str) -> list[str]:
    """The settings in the value of Glue's --conf: `a=b --conf c=d` holds two."""
    return [part.strip() for part in re.split(r"\s+--conf\s+", value.strip()) if part.strip()]


def command(
    spark: SparkSettings, files: ScriptFiles, arguments: Mapping[str, str], script_args: list[str]
) -> list[str]:
    """The command line that runs a job's script."""
    confs = conf_settings(arguments.get("--conf", ""))
    python_files = ",".join(str(path) for path in files.python_files)
    return [
        str(spark_home(spark) / "bin" / "spark-submit"),
        *[text for conf in confs for text in ("--conf", conf)],
        *(["--py-files", python_files] if python_files else []),
        str(files.script),
        *script_args,
    ]


def spark_home(spark: SparkSettings) -> Path:
    """The folder of the pip package pyspark of the virtual environment.

    Raises:
        FileNotFoundError: it is not installed there.
    """
    lib = spark.python.parent.parent / "lib"
    for found in lib.glob("python3*/site-packages/pyspark"):
        return found
    raise FileNotFoundError(
        f"There is no pyspark in {lib}; install requirements.txt into the environment of "
        f"{spark.python}"
    )


def class_path(spark: SparkSettings) -> str:
    """The class path of a driver, except for the folder of its configuration.

    Spark puts that folder before its own jars. Java takes classes from an archive only if the jars
    that they came from stand in the class path as they did when it was written, and first.
    """
    return f"{spark.jars}/*:{spark_home(spark)}/jars/*"


def java_options(spark: SparkSettings) -> str:
    """The options of a driver's Java."""
    options = [_CODE_CACHE]
    if spark.classes is not None:
        # Where the archive does not fit (another Java, other jars) Java starts without it.
        options += ["-Xshare:auto", f"-XX:SharedArchiveFile={spark.classes}"]
    return " ".join([*options, spark.java_options]).rstrip()


def write_configuration(folder: Path, settings: Access, spark: SparkSettings) -> None:
    """Write all settings that are particular to this machine, so that a job's script needs none."""
    defaults = {
        "spark.master": "local[2]",
        "spark.driver.memory": spark.driver_memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraClassPath": class_path(spark),
        "spark.driver.extraJavaOptions": java_options(spark),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": settings.endpoint,
        "spark.hadoop.fs.s3a.endpoint.region": settings.region,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        "spark.hadoop.fs.s3a.aws.credentials.provider": (
            "com.amazonaws.auth.EnvironmentVariableCredentialsProvider"
        ),
        "spark.sql.catalog.lake.glue.endpoint": settings.endpoint,
        "spark.sql.catalog.lake.s3.endpoint": settings.endpoint,
        "spark.sql.catalog.lake.s3.path-style-access": "true",
        "spark.sql.catalog.lake.client.region": settings.region,
    }
    lines = [f"{key} {value}" for key, value in defaults.items() if value]
    (folder / "spark-defaults.conf").write_text("\n".join(lines) + "\n")
    (folder / "log4j2.properties").write_text(_DRIVER_LOGGING)


def environment(
    settings: Access, spark: SparkSettings, run_folder: Path, job_name: str, run_id: str
) -> dict[str, str]:
    """The environment variables of a job's processes."""
    inherited = ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME")
    return {
        **{key: os.environ[key] for key in inherited if key in os.environ},
        **settings.credentials(),
        "SPARK_HOME": str(spark_home(spark)),
        "SPARK_CONF_DIR": str(run_folder),
        "SPARK_LOCAL_DIRS": str(run_folder / "spark"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        # The launcher is a JVM of its own that only puts the command line together.
        "SPARK_LAUNCHER_OPTS": f"{QUICK_START} -Xshare:auto",
        "PYSPARK_PYTHON": str(spark.python),
        "PYSPARK_DRIVER_PYTHON": str(spark.python),
        "PYTHONPATH": str(_SITE),
        "PYTHONUNBUFFERED": "1",
        "GLUE_JOB_NAME": job_name,
        "GLUE_JOB_RUN_ID": run_id,
    }
