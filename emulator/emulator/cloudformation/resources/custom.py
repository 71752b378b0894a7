"""Custom resources: a Lambda function is invoked, and sends its response to an address of ours.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
"""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Any

from emulator.cloudformation.errors import DeployError
from emulator.cloudformation.handler import Context, Created, Handler
from emulator.cloudformation.state import Properties, ResourceState

TYPE = "AWS::CloudFormation::CustomResource"
_DEFAULT_TIMEOUT_SECONDS = 3600
_MAX_RESPONSE_BYTES = 4096
_SAME = ("StackId", "RequestId", "LogicalResourceId")
"""What a response must repeat of its request."""


@contextmanager
def _response_url() -> Iterator[tuple[str, SimpleQueue[bytes]]]:
    """An address that takes the response, and where it then is."""
    responses: SimpleQueue[bytes] = SimpleQueue()

    class Receiver(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            responses.put(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/response", responses
    finally:
        server.shutdown()
        server.server_close()


def _ask(context: Context, kind: str, properties: Properties, more: Properties) -> Created:
    """Calls the function and waits for its response; raises DeployError with its reason."""
    token = properties["ServiceToken"]
    if ":function:" not in str(token):
        raise DeployError(f"ServiceToken {token!r} must be a Lambda function")
    with _response_url() as (url, responses):
        request: Properties = {
            "RequestType": kind,
            "ResponseURL": url,
            "StackId": context.arn("cloudformation", f"stack/{context.stack}/local"),
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": context.logical_id,
            "ResourceType": TYPE,
            "ResourceProperties": _as_texts(properties),
            **more,
        }
        invoked = context.clients.get("lambda").invoke(
            FunctionName=token, Payload=json.dumps(request).encode()
        )
        if "FunctionError" in invoked:
            # CloudFormation would wait for a response until the time-out.
            raise DeployError(f"{token} failed: {invoked['Payload'].read().decode()}")
        try:
            body = responses.get(
                timeout=float(properties.get("ServiceTimeout", _DEFAULT_TIMEOUT_SECONDS))
            )
        except Empty:
            raise DeployError(f"{token} ended without a response") from None
    return _created(body, request)


def _created(body: bytes, request: Properties) -> Created:
    if len(body) > _MAX_RESPONSE_BYTES:
        raise DeployError(f"a response has at most {_MAX_RESPONSE_BYTES} bytes, not {len(body)}")
    response: dict[str, Any] = json.loads(body)
    wrong = [name for name in _SAME if response.get(name) != request[name]]
    if wrong or not response.get("PhysicalResourceId"):
        raise DeployError(f"the response {response} does not repeat its request's {wrong}")
    if response["Status"] != "SUCCESS":
        raise DeployError(response["Reason"])
    return Created(response["PhysicalResourceId"], response.get("Data", {}))


def _as_texts(value: Any) -> Any:  # noqa: ANN401
    """CloudFormation passes numbers and booleans over as texts."""
    if isinstance(value, dict):
        return {name: _as_texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_texts(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _create(context: Context, properties: Properties) -> Created:
    return _ask(context, "Create", properties, {})


def _update(context: Context, old: ResourceState, properties: Properties) -> Created:
    more = {
        "PhysicalResourceId": old.physical_id,
        "OldResourceProperties": _as_texts(old.properties),
    }
    updated = _ask(context, "Update", properties, more)
    if updated.physical_id != old.physical_id:
        _delete(context, old.physical_id, old.properties)
    return updated


def _delete(context: Context, physical_id: str, properties: Properties) -> None:
    _ask(context, "Delete", properties, {"PhysicalResourceId": physical_id})


HANDLERS = {
    TYPE: Handler(create=_create, update=_update, delete=_delete, replaced_by=("ServiceToken",))
}
