"""IAM roles and policies."""

import json
from typing import Any

from botocore.exceptions import ClientError

from emulator.cloudformation.clients import is_missing
from emulator.cloudformation.handler import Context, Created, Handler, pick
from emulator.cloudformation.state import Properties, ResourceState

_AWS_MANAGED = ":iam::aws:policy/"


def _role_name(context: Context, properties: Properties) -> str:
    return context.name(properties.get("RoleName"))


def _role(context: Context, properties: Properties) -> Created:
    name = _role_name(context, properties)
    request = pick(properties, "Path", "Description", "MaxSessionDuration")
    request["RoleName"] = name
    request["AssumeRolePolicyDocument"] = json.dumps(properties["AssumeRolePolicyDocument"])
    role = context.clients.call("iam", "CreateRole", request)["Role"]
    _set_role_policies(context, name, {}, properties)
    return Created(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _update_role(context: Context, old: ResourceState, properties: Properties) -> Created:
    context.clients.call(
        "iam",
        "UpdateAssumeRolePolicy",
        {
            "RoleName": old.physical_id,
            "PolicyDocument": json.dumps(properties["AssumeRolePolicyDocument"]),
        },
    )
    _set_role_policies(context, old.physical_id, old.properties, properties)
    return Created(old.physical_id, old.attributes)


def _set_role_policies(context: Context, name: str, old: Properties, new: Properties) -> None:
    clients = context.clients
    before, after = _inline(old), _inline(new)
    for policy in before.keys() - after.keys():
        clients.call_if_there("iam", "DeleteRolePolicy", {"RoleName": name, "PolicyName": policy})
    for policy, document in after.items():
        if before.get(policy) != document:
            clients.call(
                "iam",
                "PutRolePolicy",
                {"RoleName": name, "PolicyName": policy, "PolicyDocument": json.dumps(document)},
            )
    attached = set(old.get("ManagedPolicyArns", []))
    desired = set(new.get("ManagedPolicyArns", []))
    for arn in attached - desired:
        clients.call_if_there("iam", "DetachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    for arn in desired - attached:
        _attach(context, name, arn)


def _inline(properties: Properties) -> dict[str, Any]:
    return {
        policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies", [])
    }


def _attach(context: Context, role: str, arn: str) -> None:
    """AWS's own policies are not loaded unless moto is configured so; nothing here needs them."""
    try:
        context.clients.call("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": arn})
    except ClientError as error:
        if not (is_missing(error) and _AWS_MANAGED in arn):
            raise


def _delete_role(context: Context, physical_id: str, properties: Properties) -> None:
    """A role is deleted only when nothing hangs on it, whoever put it there."""
    iam = context.clients.get("iam")
    role = {"RoleName": physical_id}
    try:
        inline = iam.list_role_policies(**role)["PolicyNames"]
        attached = iam.list_attached_role_policies(**role)["AttachedPolicies"]
    except ClientError as error:
        if is_missing(error):
            return
        raise
    for policy in inline:
        iam.delete_role_policy(**role, PolicyName=policy)
    for policy in attached:
        iam.detach_role_policy(**role, PolicyArn=policy["PolicyArn"])
    iam.delete_role(**role)


# --- AWS::IAM::Policy: an inline policy of some roles -----------------------------------------


def _policy(context: Context, properties: Properties) -> Created:
    for role in properties.get("Roles", []):
        context.clients.call(
            "iam",
            "PutRolePolicy",
            {
                "RoleName": role,
                "PolicyName": properties["PolicyName"],
                "PolicyDocument": json.dumps(properties["PolicyDocument"]),
            },
        )
    return Created(properties["PolicyName"], {"Id": properties["PolicyName"]})


def _update_policy(context: Context, old: ResourceState, properties: Properties) -> Created:
    gone = set(old.properties.get("Roles", [])) - set(properties.get("Roles", []))
    _delete_policy(context, old.physical_id, {**old.properties, "Roles": sorted(gone)})
    return _policy(context, properties)


def _delete_policy(context: Context, physical_id: str, properties: Properties) -> None:
    for role in properties.get("Roles", []):
        context.clients.call_if_there(
            "iam", "DeleteRolePolicy", {"RoleName": role, "PolicyName": physical_id}
        )


HANDLERS = {
    "AWS::IAM::Role": Handler(
        create=_role,
        update=_update_role,
        delete=_delete_role,
        replaced_by=("RoleName", "Path"),
        physical_id=_role_name,
    ),
    "AWS::IAM::Policy": Handler(
        create=_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaced_by=("PolicyName",),
    ),
}
