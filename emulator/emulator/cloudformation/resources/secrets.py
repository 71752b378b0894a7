"""Secrets and parameters."""

import json
import secrets
import string

from emulator.cloudformation.handler import Context, Created, Handler, pick
from emulator.cloudformation.state import Properties, ResourceState

_PUNCTUATION = "!#$%&()*+,-./:;<=>?@[]^_{|}~"


def _secret_name(context: Context, properties: Properties) -> str:
    return context.name(properties.get("Name"), max_length=512)


def _secret(context: Context, properties: Properties) -> Created:
    request = pick(properties, "Description", "KmsKeyId", "SecretString")
    request["Name"] = _secret_name(context, properties)
    if "SecretString" not in request:
        request["SecretString"] = generate(properties.get("GenerateSecretString", {}))
    arn = context.clients.call("secretsmanager", "CreateSecret", request)["ARN"]
    return Created(arn, {"Id": arn})


def _adopt_secret(context: Context, identifier: Properties) -> Created:
    request = {"SecretId": identifier["Id"]}
    arn = context.clients.call("secretsmanager", "DescribeSecret", request)["ARN"]
    return Created(arn, {"Id": arn})


def generate(wish: Properties) -> str:
    """A secret's text as GenerateSecretString describes it."""
    characters = ""
    if not wish.get("ExcludeLowercase"):
        characters += string.ascii_lowercase
    if not wish.get("ExcludeUppercase"):
        characters += string.ascii_uppercase
    if not wish.get("ExcludeNumbers"):
        characters += string.digits
    if not wish.get("ExcludePunctuation"):
        characters += _PUNCTUATION
    if wish.get("IncludeSpace"):
        characters += " "
    excluded = wish.get("ExcludeCharacters", "")
    usable = [character for character in characters if character not in excluded]
    password = "".join(secrets.choice(usable) for _ in range(int(wish.get("PasswordLength", 32))))
    if "GenerateStringKey" not in wish:
        return password
    template = json.loads(wish.get("SecretStringTemplate", "{}"))
    return json.dumps({**template, wish["GenerateStringKey"]: password})


def _update_secret(context: Context, old: ResourceState, properties: Properties) -> Created:
    """Changes what describes the secret, never its value: someone may have put another one in."""
    request = {"SecretId": old.physical_id, **pick(properties, "Description", "KmsKeyId")}
    context.clients.call("secretsmanager", "UpdateSecret", request)
    return Created(old.physical_id, old.attributes)


def _delete_secret(context: Context, physical_id: str, properties: Properties) -> None:
    request = {"SecretId": physical_id, "ForceDeleteWithoutRecovery": True}
    context.clients.call_if_there("secretsmanager", "DeleteSecret", request)


def _parameter_name(context: Context, properties: Properties) -> str:
    return context.name(properties.get("Name"), max_length=255)


def _put_parameter(context: Context, name: str, properties: Properties) -> Created:
    request = pick(properties, "Type", "Value", "Description", "AllowedPattern", "Tier")
    request |= {"Name": name, "Overwrite": True}
    context.clients.call("ssm", "PutParameter", request)
    return Created(name, pick(properties, "Type", "Value"))


def _parameter(context: Context, properties: Properties) -> Created:
    return _put_parameter(context, _parameter_name(context, properties), properties)


def _update_parameter(context: Context, old: ResourceState, properties: Properties) -> Created:
    return _put_parameter(context, old.physical_id, properties)


def _delete_parameter(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("ssm", "DeleteParameter", {"Name": physical_id})


HANDLERS = {
    "AWS::SecretsManager::Secret": Handler(
        create=_secret,
        update=_update_secret,
        delete=_delete_secret,
        replaced_by=("Name",),
        holds="its value",
        physical_id=_secret_name,
        adopt=_adopt_secret,
    ),
    "AWS::SSM::Parameter": Handler(
        create=_parameter,
        update=_update_parameter,
        delete=_delete_parameter,
        replaced_by=("Name",),
    ),
}
