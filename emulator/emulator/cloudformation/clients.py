"""boto3 clients of the emulator, each made once, and calls with CloudFormation's properties."""

import re
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from emulator.cloudformation.errors import DeployError
from emulator.settings import ACCESS_KEY, SECRET_KEY


class Clients:
    """The emulator's services."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.region = region
        self._endpoint = endpoint
        self._session = boto3.Session(
            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=region
        )
        self._config = Config(
            retries={"max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=30
        )
        self._clients: dict[str, Any] = {}
        self._buckets: set[str] = set()

    def get(self, service: str) -> Any:  # noqa: ANN401
        """The client of one service; which operations it has is known only at run time."""
        if service not in self._clients:
            make: Any = self._session.client
            self._clients[service] = make(service, endpoint_url=self._endpoint, config=self._config)
        return self._clients[service]

    def call(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Calls an operation; values are converted to the types that the API takes.

        CloudFormation takes `"300"` where the API takes 300, and the other way round. Raises
        DeployError for a parameter that the operation does not have.
        """
        client = self.get(service)
        shape = client.meta.service_model.operation_model(operation).input_shape
        if shape is not None:
            parameters = _convert(shape, parameters, f"{service} {operation}")
        response: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
        return response

    def call_if_there(self, service: str, operation: str, parameters: dict[str, Any]) -> bool:
        """Calls an operation on something that may be gone already; false if it is."""
        try:
            self.call(service, operation, parameters)
        except ClientError as error:
            if is_missing(error):
                return False
            raise
        return True

    def ensure_bucket(self, bucket: str) -> None:
        """Creates the bucket of the CDK bootstrap stack, which no template holds."""
        if bucket in self._buckets:
            return
        try:
            self.get("s3").head_bucket(Bucket=bucket)
        except ClientError:
            create_bucket(self, bucket)
        self._buckets.add(bucket)


def create_bucket(clients: Clients, bucket: str) -> None:
    """Creates a bucket in the clients' region."""
    parameters: dict[str, Any] = {"Bucket": bucket}
    if clients.region != "us-east-1":
        parameters["CreateBucketConfiguration"] = {"LocationConstraint": clients.region}
    clients.call("s3", "CreateBucket", parameters)


_MISSING = re.compile(
    r"NotFound|NoSuch|DoesNotExist|NonExistentQueue|^404$|^ParameterNotFound$", re.IGNORECASE
)


def is_missing(error: ClientError) -> bool:
    """Whether an API says that a resource does not exist."""
    return bool(_MISSING.search(error.response.get("Error", {}).get("Code", "")))


def _convert(shape: Shape, value: Any, where: str) -> Any:  # noqa: ANN401
    if isinstance(shape, StructureShape):
        return _convert_structure(shape, value, where)
    if isinstance(shape, ListShape):
        items = value if isinstance(value, list) else [value]
        return [_convert(shape.member, item, f"{where}[]") for item in items]
    if isinstance(shape, MapShape):
        return {key: _convert(shape.value, item, f"{where}.{key}") for key, item in value.items()}
    return _convert_scalar(shape.type_name, value, where)


def _convert_structure(shape: StructureShape, value: Any, where: str) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(value, dict):
        raise DeployError(f"{where} must be an object, not {value!r}")
    unknown = sorted(value.keys() - shape.members.keys())
    if unknown:
        raise DeployError(f"{where}: the emulated API has no parameter {', '.join(unknown)}")
    return {
        name: _convert(shape.members[name], item, f"{where}.{name}") for name, item in value.items()
    }


def _convert_scalar(type_name: str, value: Any, where: str) -> object:  # noqa: ANN401
    try:
        if type_name in ("integer", "long"):
            return int(value)
        if type_name in ("float", "double"):
            return float(value)
    except (TypeError, ValueError) as error:
        raise DeployError(f"{where} must be a number, not {value!r}") from error
    if type_name == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if type_name == "string" and not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value
