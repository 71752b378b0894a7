"""What the Glue job is started with."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Arguments:
    """The job's arguments; `tables` is None when everything is to be considered.

    `job_version` is a hash of the job's own code, as it was deployed.
    `catalog_stacks` is the number of stacks whose databases hold the definitions.
    """

    deployment: str
    bucket: str
    ledger: str
    run: str
    catalog_stacks: int
    tables: tuple[str, ...] | None
    job_version: str = ""


def parse(argv: Sequence[str]) -> Arguments:
    """Parse the job's arguments; Glue's own (`--JOB_NAME`, `--enable-…`) are ignored.

    Raises SystemExit with a usage message when one is missing.
    """
    parser = argparse.ArgumentParser(prog="build", allow_abbrev=False)
    for name in ("deployment", "bucket", "ledger", "run"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--catalog-stacks", type=int, required=True)
    parser.add_argument("--tables", default="")
    parser.add_argument("--job-version", default="")
    known, _ = parser.parse_known_args(argv)
    tables = tuple(name.strip() for name in known.tables.split(",") if name.strip())
    return Arguments(
        deployment=known.deployment,
        bucket=known.bucket,
        ledger=known.ledger,
        run=known.run,
        catalog_stacks=known.catalog_stacks,
        tables=tables or None,
        job_version=known.job_version,
    )
