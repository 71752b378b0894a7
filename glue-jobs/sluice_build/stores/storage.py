"""The data bucket: JSON in and out, nothing else."""

import gzip
import json
import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from sluice_build.contract.errors import TableFailed

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_glue import GlueClient
    from types_boto3_s3 import S3Client


def region() -> str | None:
    """The region that the environment names; boto3 itself looks at one of the two only."""
    return os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")


# Each session reads the descriptions of services again, which takes longer than a small build's
# requests; clients may be shared by threads, and each process of Spark comes to have its own.
@cache
def s3_client() -> "S3Client":
    """The process's client for S3, which tries again."""
    return boto3.session.Session().client("s3", region_name=region())


@cache
def glue_client() -> "GlueClient":
    """The process's client for the Data Catalog."""
    return boto3.session.Session().client("glue", region_name=region())


@cache
def ledger_table(name: str) -> "Table":
    """The ledger as a DynamoDB resource."""
    return boto3.session.Session().resource("dynamodb", region_name=region()).Table(name)


def read_exactly(client: "S3Client", bucket: str, key: str, etag: str) -> bytes:
    """An object's bytes, if it still is what was recorded.

    Raises TableFailed when it is missing or is another version.
    """
    try:
        response = client.get_object(Bucket=bucket, Key=key)
        body = response["Body"].read()
    except client.exceptions.NoSuchKey:
        raise TableFailed(
            f"s3://{bucket}/{key} is recorded but missing: restore it (versions, backup), "
            "or read the table again from its source"
        ) from None
    if response["ETag"].strip('"') != etag.strip('"'):
        raise TableFailed(
            f"s3://{bucket}/{key} has ETag {response['ETag']}, recorded is {etag}: somebody else "
            "wrote it; restore the recorded version"
        )
    return body


@dataclass(frozen=True)
class Bucket:
    """The data bucket, for the driver."""

    name: str
    client: "S3Client"

    def uri(self, key: str) -> str:
        """The address that Spark reads and writes."""
        return f"s3://{self.name}/{key}"

    def put_json(self, key: str, value: object) -> None:
        """Write a JSON document, replacing an older one."""
        self.client.put_object(
            Bucket=self.name,
            Key=key,
            Body=json.dumps(value, ensure_ascii=False).encode(),
            ContentType="application/json",
        )

    def read_json(self, key: str, etag: str) -> Any:  # noqa: ANN401
        """Read a JSON document of a known version; raises TableFailed if it is another."""
        return json.loads(read_exactly(self.client, self.name, key, etag))

    def read_uri(self, uri: str) -> str:
        """Read text of any bucket, such as a model's script."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()

    def delete_folder(self, prefix: str) -> None:
        """Delete all objects below a prefix of the build's own."""
        for page in self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=f"{prefix}/"
        ):
            for item in page.get("Contents", []):
                self.client.delete_object(Bucket=self.name, Key=item["Key"])


def gzip_lines(lines: list[str]) -> bytes:
    """Text lines as a gzip file that is the same bytes for the same lines."""
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
