"""The Glue job: parses its arguments and builds what is out of date."""

import sys

from pyspark.sql import SparkSession
from sluice_build.build.log import LOGGER, about_run, log_to_standard_error
from sluice_build.build.run import run_build
from sluice_build.build.session import ship_package
from sluice_build.contract.arguments import Arguments, parse


def main() -> None:
    """Run one build; what it did is in `runs/<run>/build.json`."""
    arguments = parse(sys.argv[1:])
    log_to_standard_error()
    with about_run(arguments.run):
        try:
            _build(arguments)
        except Exception:
            LOGGER.exception("the build could not do its work")
            raise


def _build(arguments: Arguments) -> None:
    spark = SparkSession.builder.appName("sluice build").getOrCreate()
    ship_package(spark)
    run_build(spark, arguments)
    spark.stop()


if __name__ == "__main__":
    main()
