"""EventBridge: schedules, schedule groups and rules."""

import json

from emulator.cloudformation.handler import Context, Created, Handler, pick
from emulator.cloudformation.state import Properties, ResourceState

_SCHEDULE = (
    "GroupName",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "State",
    "Description",
    "StartDate",
    "EndDate",
    "FlexibleTimeWindow",
    "Target",
    "KmsKeyArn",
)


def _named(context: Context, properties: Properties) -> str:
    return context.name(properties.get("Name"))


def _schedule(context: Context, properties: Properties) -> Created:
    name = _named(context, properties)
    request = {**pick(properties, *_SCHEDULE), "Name": name}
    arn = context.clients.call("scheduler", "CreateSchedule", request)["ScheduleArn"]
    return Created(name, {"Arn": arn})


def _update_schedule(context: Context, old: ResourceState, properties: Properties) -> Created:
    request = {**pick(properties, *_SCHEDULE), "Name": old.physical_id}
    context.clients.call("scheduler", "UpdateSchedule", request)
    return Created(old.physical_id, old.attributes)


def _delete_schedule(context: Context, physical_id: str, properties: Properties) -> None:
    request = {"Name": physical_id, **pick(properties, "GroupName")}
    context.clients.call_if_there("scheduler", "DeleteSchedule", request)


def _group(context: Context, properties: Properties) -> Created:
    name = _named(context, properties)
    answer = context.clients.call("scheduler", "CreateScheduleGroup", {"Name": name})
    return Created(name, {"Arn": answer["ScheduleGroupArn"], "State": "ACTIVE"})


def _keep_group(context: Context, old: ResourceState, properties: Properties) -> Created:
    return Created(old.physical_id, old.attributes)


def _delete_group(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("scheduler", "DeleteScheduleGroup", {"Name": physical_id})


# --- rules ------------------------------------------------------------------------------------


def _put_rule(context: Context, name: str, properties: Properties) -> str:
    request = pick(properties, "ScheduleExpression", "State", "Description", "EventBusName")
    request["Name"] = name
    if "EventPattern" in properties:
        request["EventPattern"] = json.dumps(properties["EventPattern"])
    arn: str = context.clients.call("events", "PutRule", request)["RuleArn"]
    if properties.get("Targets"):
        request = {"Rule": name, **pick(properties, "EventBusName", "Targets")}
        context.clients.call("events", "PutTargets", request)
    return arn


def _rule(context: Context, properties: Properties) -> Created:
    name = _named(context, properties)
    return Created(name, {"Arn": _put_rule(context, name, properties)})


def _update_rule(context: Context, old: ResourceState, properties: Properties) -> Created:
    wanted = {target["Id"] for target in properties.get("Targets", [])}
    gone = [
        target["Id"] for target in old.properties.get("Targets", []) if target["Id"] not in wanted
    ]
    _remove_targets(context, old.physical_id, old.properties, gone)
    return Created(old.physical_id, {"Arn": _put_rule(context, old.physical_id, properties)})


def _remove_targets(
    context: Context, name: str, properties: Properties, target_ids: list[str]
) -> None:
    if target_ids:
        request = {"Rule": name, "Ids": target_ids, **pick(properties, "EventBusName")}
        context.clients.call_if_there("events", "RemoveTargets", request)


def _delete_rule(context: Context, physical_id: str, properties: Properties) -> None:
    target_ids = [target["Id"] for target in properties.get("Targets", [])]
    _remove_targets(context, physical_id, properties, target_ids)
    request = {"Name": physical_id, **pick(properties, "EventBusName")}
    context.clients.call_if_there("events", "DeleteRule", request)


HANDLERS = {
    "AWS::Scheduler::Schedule": Handler(
        create=_schedule,
        update=_update_schedule,
        delete=_delete_schedule,
        replaced_by=("Name", "GroupName"),
        physical_id=_named,
    ),
    "AWS::Scheduler::ScheduleGroup": Handler(
        create=_group,
        update=_keep_group,
        delete=_delete_group,
        replaced_by=("Name",),
        physical_id=_named,
    ),
    "AWS::Events::Rule": Handler(
        create=_rule,
        update=_update_rule,
        delete=_delete_rule,
        replaced_by=("Name", "EventBusName"),
    ),
}
