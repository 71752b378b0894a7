"""The settings of one emulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ACCESS_KEY = "local"
SECRET_KEY = "local"


@dataclass(frozen=True)
class SparkSettings:
    """Where the Spark of Glue jobs is found and how much of the machine it may take."""

    python: Path
    jars: Path
    driver_memory: str
    java_options: str
    classes: Path | None
    """An archive of the classes that Spark loads, by `emulator.spark_classes`."""


@dataclass(frozen=True)
class Access:
    """How programs on this machine reach emulated services."""

    port: int
    region: str

    @property
    def endpoint(self) -> str:
        """The URL of every emulated service.

        It holds an address and not a name, so that every SDK puts the bucket into the path.
        """
        return f"http://127.0.0.1:{self.port}"

    def credentials(self) -> dict[str, str]:
        """The environment variables by which any AWS SDK talks to this emulator."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(frozen=True)
class Settings(Access):
    """Ports, folders and programs of one emulator."""

    account: str
    log_dir: Path
    work_dir: Path
    node: Path
    jsonata: Path
    lambda_worker: Path
    jsonata_worker: Path
    spark: SparkSettings | None
    postgres_url: str | None
