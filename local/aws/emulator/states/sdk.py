"""Calls any AWS API of the emulator in the way that a Task state names it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.session import get_session

from emulator.json_types import Json, compact
from emulator.settings import ACCESS_KEY, SECRET_KEY, Settings
from emulator.states.errors import RUNTIME, StateError, TaskError

# Service names of Step Functions that are not those of botocore.
_BOTO_NAMES: Mapping[str, str] = {
    "sfn": "stepfunctions",
    "redshiftdata": "redshift-data",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
}


class SdkClients:
    """Clients of the emulator's own APIs; safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._clients: dict[str, object] = {}

    def call(
        self,
        service: str,
        action: str,
        parameters: Mapping[str, Json],
        error_prefix: str | None = None,
    ) -> dict[str, Json]:
        """Call an API and return its answer as a Task state shows it.

        `service` and `action` are as in a Resource: `redshiftdata`, `executeStatement`.

        Raises:
            TaskError: the service refused; its name begins with `error_prefix` or, without one,
                as AWS names the errors of SDK calls (`Glue.EntityNotFoundException`).
            StateError: there is no such API.
        """
        boto_service = _BOTO_NAMES.get(service, service)
        operation = _operation(boto_service, action)
        request = _request(dict(parameters), operation.input_shape)
        assert isinstance(request, dict)
        method: Callable[..., dict[str, object]] = getattr(
            self._client(boto_service), xform_name(operation.name)
        )
        try:
            answer = method(**request)
        except ClientError as error:
            prefix = error_prefix or _error_prefix(boto_service)
            raise _task_error(error, prefix) from error
        except BotoCoreError as error:
            raise StateError(RUNTIME, str(error)) from error
        answer.pop("ResponseMetadata", None)
        shown = _response(answer, operation.output_shape)
        assert isinstance(shown, dict)
        return shown

    def _client(self, service: str) -> object:
        with self._lock:
            client = self._clients.get(service)
            if client is None:
                client = boto3.session.Session().client(  # type: ignore[call-overload]
                    service,
                    endpoint_url=self._settings.endpoint,
                    region_name=self._settings.region,
                    aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY,
                    config=Config(
                        retries={"total_max_attempts": 1},
                        read_timeout=900,
                        max_pool_connections=64,
                        inject_host_prefix=False,
                    ),
                )
                self._clients[service] = client
            return client


@lru_cache(maxsize=256)
def _operation(boto_service: str, action: str) -> OperationModel:
    try:
        model = get_session().get_service_model(boto_service)
    except BotoCoreError as error:
        raise StateError(RUNTIME, f"There is no service '{boto_service}'.") from error
    name = action[:1].upper() + action[1:]
    if name not in model.operation_names:
        raise StateError(RUNTIME, f"There is no action '{action}' of service '{boto_service}'.")
    return model.operation_model(name)


def _error_prefix(boto_service: str) -> str:
    if boto_service == "dynamodb":
        return "DynamoDb"
    service_id = str(get_session().get_service_model(boto_service).metadata["serviceId"])
    name = service_id.replace(" ", "")
    return name[:1].upper() + name[1:].lower() if name.isupper() and len(name) <= 3 else name


def _task_error(error: ClientError, prefix: str) -> TaskError:
    code = error.response["Error"]["Code"]
    if not code.endswith("Exception"):
        code += "Exception"
    metadata = error.response["ResponseMetadata"]
    return TaskError(
        f"{prefix}.{code}",
        f"{error.response['Error']['Message']} (Service: {prefix}, "
        f"Status Code: {metadata.get('HTTPStatusCode')}, "
        f"Request ID: {metadata.get('RequestId')})",
    )


def _request(value: Json, shape: Shape | None) -> object:
    """A request with the member names and types of the API: PascalCase becomes what it uses."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        named = {members.get(key.lower(), key): item for key, item in value.items()}
        return {key: _request(item, shape.members.get(key)) for key, item in named.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_request(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _request(item, shape.value) for key, item in value.items()}
    if shape is not None and value is not None and not isinstance(value, str):
        if shape.type_name == "string":
            return compact(value)
        if shape.type_name == "blob":
            return json.dumps(value).encode()
    if shape is not None and shape.type_name == "blob" and isinstance(value, str):
        return value.encode()
    return value


def _response(value: object, shape: Shape | None) -> Json:
    """An answer as JSON: PascalCase members, dates as texts, streams read."""
    if isinstance(value, datetime):
        utc = value.astimezone(UTC)
        return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if hasattr(value, "read"):
        content: bytes = value.read()
        return content.decode(errors="replace")
    if isinstance(value, dict):
        if isinstance(shape, StructureShape):
            return {
                key[:1].upper() + key[1:]: _response(item, shape.members.get(key))
                for key, item in value.items()
            }
        inner = shape.value if isinstance(shape, MapShape) else None
        return {str(key): _response(item, inner) for key, item in value.items()}
    if isinstance(value, list):
        item_shape = shape.member if isinstance(shape, ListShape) else None
        return [_response(item, item_shape) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
