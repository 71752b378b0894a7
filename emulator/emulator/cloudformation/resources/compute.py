"""Lambda functions, and the state machines that call them."""

import io
import json
import zipfile

from botocore.exceptions import ClientError

from emulator.cloudformation.errors import DeployError
from emulator.cloudformation.handler import Context, Created, Handler, pick
from emulator.cloudformation.state import Properties, ResourceState

_DEFAULTS: Properties = {
    "Timeout": 3,
    "MemorySize": 128,
    "Environment": {"Variables": {}},
    "Description": "",
}
"""What a property that was removed goes back to."""


def _function_name(context: Context, properties: Properties) -> str:
    return context.name(properties.get("FunctionName"))


def _configuration(name: str, properties: Properties) -> Properties:
    """What both creation and update take.

    VpcConfig, TracingConfig, dead-letter queues and tags are ignored: a function runs on this
    machine. Layers are rejected, because a function would miss their code.
    """
    if properties.get("Layers"):
        raise DeployError(f"function {name}: Layers are not emulated; bundle the code instead")
    return {
        **_DEFAULTS,
        **pick(properties, *_DEFAULTS, "Handler", "Role", "Runtime", "LoggingConfig"),
        "FunctionName": name,
    }


def _code(properties: Properties) -> Properties:
    code = properties["Code"]
    if "ZipFile" in code:
        return {"ZipFile": _inline_code(code["ZipFile"], properties.get("Runtime", ""))}
    if "S3Bucket" not in code:
        raise DeployError(f"Code must be in S3 or inline, not {code!r}")
    return pick(code, "S3Bucket", "S3Key", "S3ObjectVersion")


def _inline_code(text: str, runtime: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        file = "index.py" if runtime.startswith("python") else "index.js"
        archive.writestr(zipfile.ZipInfo(file), text)
    return sink.getvalue()


def _function(context: Context, properties: Properties) -> Created:
    name = _function_name(context, properties)
    request = {**_configuration(name, properties), "Code": _code(properties)}
    request |= pick(properties, "Architectures", "EphemeralStorage")
    response = context.clients.call("lambda", "CreateFunction", request)
    _set_concurrency(context, name, {}, properties)
    return Created(name, {"Arn": response["FunctionArn"]})


def _update_function(context: Context, old: ResourceState, properties: Properties) -> Created:
    name = old.physical_id
    if properties["Code"] != old.properties["Code"]:
        request = {"FunctionName": name, **_code(properties)}
        context.clients.call("lambda", "UpdateFunctionCode", request)
    configuration = _configuration(name, properties)
    if configuration != _configuration(name, old.properties):
        context.clients.call("lambda", "UpdateFunctionConfiguration", configuration)
    _set_concurrency(context, name, old.properties, properties)
    return Created(name, old.attributes)


def _set_concurrency(context: Context, name: str, old: Properties, new: Properties) -> None:
    key = "ReservedConcurrentExecutions"
    if old.get(key) == new.get(key):
        return
    request: Properties = {"FunctionName": name}
    if new.get(key) is None:
        context.clients.call("lambda", "DeleteFunctionConcurrency", request)
    else:
        context.clients.call("lambda", "PutFunctionConcurrency", {**request, key: new[key]})


def _delete_function(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("lambda", "DeleteFunction", {"FunctionName": physical_id})


# --- Step Functions ---------------------------------------------------------------------------


def _machine_arn(context: Context, properties: Properties) -> str:
    name = context.name(properties.get("StateMachineName"), max_length=80)
    return context.arn("states", f"stateMachine:{name}")


def _definition(context: Context, properties: Properties) -> str:
    """The definition's text with DefinitionSubstitutions put in."""
    if "DefinitionString" in properties:
        text = str(properties["DefinitionString"])
    elif "Definition" in properties:
        text = json.dumps(properties["Definition"])
    else:
        location = pick(properties.get("DefinitionS3Location", {}), "Bucket", "Key")
        if len(location) != 2:
            raise DeployError("a state machine needs DefinitionString, Definition or its place")
        body = context.clients.call("s3", "GetObject", location)["Body"]
        text = body.read().decode()
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        written = str(value).lower() if isinstance(value, bool) else str(value)
        text = text.replace("${" + name + "}", written)
    return text


def _machine_settings(context: Context, properties: Properties) -> Properties:
    settings: Properties = {
        "definition": _definition(context, properties),
        "roleArn": properties["RoleArn"],
    }
    for name in ("LoggingConfiguration", "TracingConfiguration"):
        if name in properties:
            settings[name[0].lower() + name[1:]] = _lower_camel(properties[name])
    return settings


def _lower_camel(value: object) -> object:
    """Step Functions' own API writes its members in lowerCamelCase."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _lower_camel(item) for name, item in value.items()}
    return [_lower_camel(item) for item in value] if isinstance(value, list) else value


def _machine(context: Context, properties: Properties) -> Created:
    name = context.name(properties.get("StateMachineName"), max_length=80)
    request = {"name": name, **_machine_settings(context, properties)}
    request["type"] = properties.get("StateMachineType", "STANDARD")
    arn = context.clients.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    return Created(arn, {"Arn": arn, "Name": name, "StateMachineRevisionId": "INITIAL"})


def _update_machine(context: Context, old: ResourceState, properties: Properties) -> Created:
    request = {"stateMachineArn": old.physical_id, **_machine_settings(context, properties)}
    response = context.clients.call("stepfunctions", "UpdateStateMachine", request)
    revision = response.get("revisionId") or "INITIAL"
    return Created(old.physical_id, {**old.attributes, "StateMachineRevisionId": revision})


def _delete_machine(context: Context, physical_id: str, properties: Properties) -> None:
    try:
        request = {"stateMachineArn": physical_id}
        context.clients.call_if_there("stepfunctions", "DeleteStateMachine", request)
    except ClientError as error:
        if "StateMachineDoesNotExist" not in str(error):
            raise


HANDLERS = {
    "AWS::Lambda::Function": Handler(
        create=_function,
        update=_update_function,
        delete=_delete_function,
        replaced_by=("FunctionName", "PackageType", "Architectures"),
        physical_id=_function_name,
    ),
    "AWS::StepFunctions::StateMachine": Handler(
        create=_machine,
        update=_update_machine,
        delete=_delete_machine,
        replaced_by=("StateMachineName", "StateMachineType"),
        physical_id=_machine_arn,
    ),
}
