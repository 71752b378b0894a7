"""Topics, log groups and alarms: what notifies people and programs."""

import json

from emulator.cloudformation.handler import Context, Created, Handler, pick
from emulator.cloudformation.state import Properties, ResourceState


def _topic(context: Context, properties: Properties) -> Created:
    fifo = str(properties.get("FifoTopic", False)).lower() == "true"
    suffix = ".fifo" if fifo else ""
    name = context.name(properties.get("TopicName"), max_length=256, suffix=suffix)
    attributes = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in pick(
            properties, "DisplayName", "FifoTopic", "ContentBasedDeduplication"
        ).items()
    }
    request = {"Name": name, "Attributes": attributes}
    arn = context.clients.call("sns", "CreateTopic", request)["TopicArn"]
    for subscription in properties.get("Subscription", []):
        context.clients.call("sns", "Subscribe", {"TopicArn": arn, **subscription})
    return Created(arn, {"TopicArn": arn, "TopicName": name})


def _update_topic(context: Context, old: ResourceState, properties: Properties) -> Created:
    request = {
        "TopicArn": old.physical_id,
        "AttributeName": "DisplayName",
        "AttributeValue": properties.get("DisplayName", ""),
    }
    context.clients.call("sns", "SetTopicAttributes", request)
    return Created(old.physical_id, old.attributes)


def _delete_topic(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("sns", "DeleteTopic", {"TopicArn": physical_id})


def _subscription(context: Context, properties: Properties) -> Created:
    attributes = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in pick(
            properties, "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"
        ).items()
    }
    request = pick(properties, "TopicArn", "Protocol", "Endpoint")
    request |= {"Attributes": attributes, "ReturnSubscriptionArn": True}
    arn = context.clients.call("sns", "Subscribe", request)["SubscriptionArn"]
    return Created(arn, {"Arn": arn})


def _delete_subscription(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("sns", "Unsubscribe", {"SubscriptionArn": physical_id})


# --- log groups -------------------------------------------------------------------------------


def _log_group_name(context: Context, properties: Properties) -> str:
    return context.name(properties.get("LogGroupName"), max_length=512)


def _log_group(context: Context, properties: Properties) -> Created:
    name = _log_group_name(context, properties)
    context.clients.call("logs", "CreateLogGroup", {"logGroupName": name})
    _set_retention(context, name, properties)
    return Created(name, {"Arn": context.arn("logs", f"log-group:{name}:*")})


def _set_retention(context: Context, name: str, properties: Properties) -> None:
    request: Properties = {"logGroupName": name}
    if "RetentionInDays" in properties:
        request["retentionInDays"] = properties["RetentionInDays"]
        context.clients.call("logs", "PutRetentionPolicy", request)
    else:
        context.clients.call("logs", "DeleteRetentionPolicy", request)


def _update_log_group(context: Context, old: ResourceState, properties: Properties) -> Created:
    _set_retention(context, old.physical_id, properties)
    return Created(old.physical_id, old.attributes)


def _delete_log_group(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("logs", "DeleteLogGroup", {"logGroupName": physical_id})


# --- alarms -----------------------------------------------------------------------------------


def _put_alarm(context: Context, name: str, properties: Properties) -> Created:
    request = {key: value for key, value in properties.items() if key not in ("AlarmName", "Tags")}
    context.clients.call("cloudwatch", "PutMetricAlarm", {**request, "AlarmName": name})
    return Created(name, {"Arn": context.arn("cloudwatch", f"alarm:{name}")})


def _alarm(context: Context, properties: Properties) -> Created:
    return _put_alarm(
        context, context.name(properties.get("AlarmName"), max_length=255), properties
    )


def _update_alarm(context: Context, old: ResourceState, properties: Properties) -> Created:
    return _put_alarm(context, old.physical_id, properties)


def _delete_alarm(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("cloudwatch", "DeleteAlarms", {"AlarmNames": [physical_id]})


HANDLERS = {
    "AWS::SNS::Topic": Handler(
        create=_topic,
        update=_update_topic,
        delete=_delete_topic,
        replaced_by=("TopicName", "FifoTopic", "Subscription"),
    ),
    "AWS::SNS::Subscription": Handler(create=_subscription, delete=_delete_subscription),
    "AWS::Logs::LogGroup": Handler(
        create=_log_group,
        update=_update_log_group,
        delete=_delete_log_group,
        replaced_by=("LogGroupName",),
        physical_id=_log_group_name,
    ),
    "AWS::CloudWatch::Alarm": Handler(
        create=_alarm,
        update=_update_alarm,
        delete=_delete_alarm,
        replaced_by=("AlarmName",),
    ),
}
