"""EventBridge Scheduler: schedules, which are stored and never fire."""

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


HANDLERS = {
    "AWS::Scheduler::Schedule": Handler(
        create=_schedule,
        update=_update_schedule,
        delete=_delete_schedule,
        replaced_by=("Name", "GroupName"),
        physical_id=_named,
    ),
}
