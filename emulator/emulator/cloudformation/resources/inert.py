"""Types that are only recorded: nothing on one machine stands behind them.

Each is listed with its reason; a type that is listed nowhere is an error.
"""

from emulator.cloudformation.handler import Context, Created, Handler
from emulator.cloudformation.state import Properties, ResourceState

_POLICY = "no access is checked here, and moto would enforce a Deny without reading its condition"
_WAREHOUSE = "the warehouse is a PostgreSQL that the launcher runs"

REASONS: dict[str, str] = {
    "AWS::S3::BucketPolicy": _POLICY,
    "AWS::SNS::TopicPolicy": _POLICY,
    "AWS::RedshiftServerless::Namespace": _WAREHOUSE,
    "AWS::RedshiftServerless::Workgroup": _WAREHOUSE,
    "AWS::CDK::Metadata": "it only counts how the CDK is used",
}


def _recorded(context: Context, properties: Properties) -> Created:
    return Created(context.name(max_length=255), {})


def _updated(context: Context, old: ResourceState, properties: Properties) -> Created:
    return Created(old.physical_id, old.attributes)


def _forgotten(context: Context, physical_id: str, properties: Properties) -> None:
    """Only the record goes."""


def _namespace(context: Context, properties: Properties) -> Created:
    name = properties["NamespaceName"]
    arn = context.arn("redshift-serverless", f"namespace/{name}")
    attributes = {"NamespaceName": name, "NamespaceArn": arn, "NamespaceId": name}
    if properties.get("ManageAdminPassword"):
        attributes["AdminPasswordSecretArn"] = context.arn(
            "secretsmanager", f"secret:redshift!{name}-admin"
        )
    return Created(name, {f"Namespace.{key}": value for key, value in attributes.items()})


def _workgroup(context: Context, properties: Properties) -> Created:
    """The Data API needs no address; a client that does gets the warehouse's own from `sluice`."""
    name = properties["WorkgroupName"]
    arn = context.arn("redshift-serverless", f"workgroup/{name}")
    attributes = {
        "WorkgroupName": name,
        "WorkgroupArn": arn,
        "WorkgroupId": name,
        "NamespaceName": properties.get("NamespaceName", ""),
        "Endpoint.Address": "127.0.0.1",
        "Endpoint.Port": str(properties.get("Port", 5439)),
    }
    return Created(name, {f"Workgroup.{key}": value for key, value in attributes.items()})


HANDLERS = {
    kind: Handler(create=_recorded, update=_updated, delete=_forgotten, inert=True)
    for kind in REASONS
}
HANDLERS["AWS::RedshiftServerless::Namespace"] = Handler(
    create=_namespace,
    update=lambda context, old, properties: _namespace(context, properties),
    delete=_forgotten,
    replaced_by=("NamespaceName",),
    inert=True,
)
HANDLERS["AWS::RedshiftServerless::Workgroup"] = Handler(
    create=_workgroup,
    update=lambda context, old, properties: _workgroup(context, properties),
    delete=_forgotten,
    replaced_by=("WorkgroupName",),
    inert=True,
)
