"""Calls the emulator's own APIs, and shows their responses as Step Functions does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from emulator.json_types import Json
from emulator.settings import ACCESS_KEY, SECRET_KEY, Settings
from emulator.states.errors import RUNTIME, StateError, TaskError


class SdkClients:
    """Clients of the emulator's own APIs; safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._clients: dict[str, object] = {}

    def call(self, service: str, action: str, parameters: Mapping[str, Json]) -> dict[str, Json]:
        """Call an API and return its response as a Task state shows it.

        Raises:
            TaskError: the service failed it; its name is like `Glue.EntityNotFoundException`.
            StateError: the request does not fit the API.
        """
        method: Callable[..., dict[str, object]] = getattr(
            self._client(service), xform_name(action)
        )
        try:
            response = method(**parameters)
        except ClientError as error:
            raise _task_error(error, service.capitalize()) from error
        except BotoCoreError as error:
            raise StateError(RUNTIME, str(error)) from error
        response.pop("ResponseMetadata", None)
        return {name: _shown(value) for name, value in response.items()}

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


def _shown(value: object) -> Json:
    """A response's value as JSON: dates as texts, streams read."""
    if isinstance(value, datetime):
        utc = value.astimezone(UTC)
        return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if hasattr(value, "read"):
        content: bytes = value.read()
        return content.decode(errors="replace")
    if isinstance(value, dict):
        return {str(key): _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
