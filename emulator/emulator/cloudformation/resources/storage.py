"""S3 buckets and DynamoDB tables: what holds data."""

from botocore.exceptions import ClientError

from emulator.cloudformation.clients import create_bucket
from emulator.cloudformation.errors import DeployError
from emulator.cloudformation.handler import Context, Created, Handler, pick
from emulator.cloudformation.state import Properties, ResourceState


def _bucket_name(context: Context, properties: Properties) -> str:
    return context.name(properties.get("BucketName"), max_length=63, lower=True)


def _bucket(context: Context, properties: Properties) -> Created:
    """Creates the bucket alone.

    Its other properties are ignored: encryption, access blocks and logging have nothing to act on;
    lifecycle rules never run here; versions would keep every overwritten object in memory.
    """
    name = _bucket_name(context, properties)
    create_bucket(context.clients, name)
    return _bucket_created(context, name)


def _bucket_created(context: Context, name: str) -> Created:
    domain = f"{name}.s3.amazonaws.com"
    return Created(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": domain,
            "RegionalDomainName": f"{name}.s3.{context.region}.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{context.region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{context.region}.amazonaws.com",
        },
    )


def _adopt_bucket(context: Context, identifier: Properties) -> Created:
    name: str = identifier["BucketName"]
    context.clients.call("s3", "HeadBucket", {"Bucket": name})
    return _bucket_created(context, name)


def _update_bucket(context: Context, old: ResourceState, properties: Properties) -> Created:
    return _bucket_created(context, old.physical_id)


def _delete_bucket(context: Context, physical_id: str, properties: Properties) -> None:
    try:
        context.clients.call_if_there("s3", "DeleteBucket", {"Bucket": physical_id})
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketNotEmpty":
            raise
        raise DeployError(
            f"bucket {physical_id} is not empty: empty it, or give it DeletionPolicy Retain"
        ) from error


# --- DynamoDB ---------------------------------------------------------------------------------


def _table_name(context: Context, properties: Properties) -> str:
    return context.name(properties.get("TableName"), max_length=255)


def _table(context: Context, properties: Properties) -> Created:
    """Creates the table; backups, tags and encryption are ignored, as nothing acts on them."""
    name = _table_name(context, properties)
    request = pick(
        properties,
        "AttributeDefinitions",
        "KeySchema",
        "BillingMode",
        "ProvisionedThroughput",
        "LocalSecondaryIndexes",
    )
    if "GlobalSecondaryIndexes" in properties:
        request["GlobalSecondaryIndexes"] = [
            _index(index) for index in properties["GlobalSecondaryIndexes"]
        ]
    request["TableName"] = name
    if "StreamSpecification" in properties:
        request["StreamSpecification"] = _stream(properties)
    response = context.clients.call("dynamodb", "CreateTable", request)["TableDescription"]
    if properties.get("TimeToLiveSpecification", {}).get("Enabled") in (True, "true"):
        _set_time_to_live(context, name, properties)
    return _table_created(context, name, response.get("LatestStreamArn"))


def _index(index: Properties) -> Properties:
    return pick(index, "IndexName", "KeySchema", "Projection", "ProvisionedThroughput")


def _stream(properties: Properties) -> Properties:
    stream = properties.get("StreamSpecification")
    return {"StreamEnabled": False} if stream is None else {"StreamEnabled": True, **stream}


def _set_time_to_live(context: Context, name: str, properties: Properties) -> None:
    context.clients.call(
        "dynamodb",
        "UpdateTimeToLive",
        {
            "TableName": name,
            "TimeToLiveSpecification": properties["TimeToLiveSpecification"],
        },
    )


def _table_created(context: Context, name: str, stream_arn: str | None) -> Created:
    attributes = {"Arn": context.arn("dynamodb", f"table/{name}"), "TableId": name}
    if stream_arn:
        attributes["StreamArn"] = stream_arn
    return Created(name, attributes)


def _adopt_table(context: Context, identifier: Properties) -> Created:
    name: str = identifier["TableName"]
    response = context.clients.call("dynamodb", "DescribeTable", {"TableName": name})["Table"]
    return _table_created(context, name, response.get("LatestStreamArn"))


def _update_table(context: Context, old: ResourceState, properties: Properties) -> Created:
    """Changes billing, indexes, stream and time to live; one index at a time, as the API takes."""
    name = old.physical_id
    changes = pick(properties, "BillingMode", "ProvisionedThroughput")
    stream_arn = old.attributes.get("StreamArn")
    if changes != pick(old.properties, "BillingMode", "ProvisionedThroughput"):
        context.clients.call("dynamodb", "UpdateTable", {"TableName": name, **changes})
    if properties.get("StreamSpecification") != old.properties.get("StreamSpecification"):
        response = context.clients.call(
            "dynamodb",
            "UpdateTable",
            {"TableName": name, "StreamSpecification": _stream(properties)},
        )
        stream_arn = response["TableDescription"].get("LatestStreamArn")
    _update_indexes(context, name, old.properties, properties)
    time_to_live = properties.get("TimeToLiveSpecification")
    if time_to_live and time_to_live != old.properties.get("TimeToLiveSpecification"):
        _set_time_to_live(context, name, properties)
    return _table_created(context, name, stream_arn)


def _update_indexes(context: Context, name: str, old: Properties, new: Properties) -> None:
    before = {index["IndexName"]: _index(index) for index in old.get("GlobalSecondaryIndexes", [])}
    after = {index["IndexName"]: _index(index) for index in new.get("GlobalSecondaryIndexes", [])}
    updates: list[Properties] = [
        {"Delete": {"IndexName": index}} for index in before if after.get(index) != before[index]
    ]
    updates += [{"Create": after[index]} for index in after if before.get(index) != after[index]]
    for update in updates:
        request = {
            "TableName": name,
            "AttributeDefinitions": new["AttributeDefinitions"],
            "GlobalSecondaryIndexUpdates": [update],
        }
        context.clients.call("dynamodb", "UpdateTable", request)


def _delete_table(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("dynamodb", "DeleteTable", {"TableName": physical_id})


HANDLERS = {
    "AWS::S3::Bucket": Handler(
        create=_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
        replaced_by=("BucketName",),
        holds="objects",
        physical_id=_bucket_name,
        adopt=_adopt_bucket,
    ),
    "AWS::DynamoDB::Table": Handler(
        create=_table,
        update=_update_table,
        delete=_delete_table,
        replaced_by=("TableName", "KeySchema", "LocalSecondaryIndexes"),
        holds="items",
        physical_id=_table_name,
        adopt=_adopt_table,
    ),
}
