"""Glue: databases and tables of the Data Catalog, and jobs."""

from emulator.cloudformation.errors import DeployError
from emulator.cloudformation.handler import Context, Created, Handler, pick
from emulator.cloudformation.state import Properties, ResourceState


def _database_name(context: Context, properties: Properties) -> str:
    given = properties["DatabaseInput"].get("Name")
    return context.name(given, max_length=255, lower=True)


def _database_input(name: str, properties: Properties) -> Properties:
    return {**properties["DatabaseInput"], "Name": name}


def _database(context: Context, properties: Properties) -> Created:
    name = _database_name(context, properties)
    request = {"DatabaseInput": _database_input(name, properties)}
    context.clients.call("glue", "CreateDatabase", request)
    return Created(name, {})


def _adopt_database(context: Context, identifier: Properties) -> Created:
    name: str = identifier["DatabaseName"]
    context.clients.call("glue", "GetDatabase", {"Name": name})
    return Created(name, {})


def _update_database(context: Context, old: ResourceState, properties: Properties) -> Created:
    name = old.physical_id
    request = {"Name": name, "DatabaseInput": _database_input(name, properties)}
    context.clients.call("glue", "UpdateDatabase", request)
    return Created(name, {})


def _delete_database(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("glue", "DeleteDatabase", {"Name": physical_id})


def _table_name(context: Context, properties: Properties) -> str:
    given = properties["TableInput"].get("Name")
    return context.name(given, max_length=255, lower=True)


def _table_input(name: str, properties: Properties) -> Properties:
    if "OpenTableFormatInput" in properties:
        raise DeployError(f"Glue table {name}: OpenTableFormatInput is not emulated")
    return {**properties["TableInput"], "Name": name}


def _table(context: Context, properties: Properties) -> Created:
    name = _table_name(context, properties)
    request = pick(properties, "DatabaseName")
    request["TableInput"] = _table_input(name, properties)
    context.clients.call("glue", "CreateTable", request)
    return Created(name, {})


def _update_table(context: Context, old: ResourceState, properties: Properties) -> Created:
    request = pick(properties, "DatabaseName")
    request["TableInput"] = _table_input(old.physical_id, properties)
    context.clients.call("glue", "UpdateTable", request)
    return Created(old.physical_id, {})


def _delete_table(context: Context, physical_id: str, properties: Properties) -> None:
    request = {"DatabaseName": properties["DatabaseName"], "Name": physical_id}
    context.clients.call_if_there("glue", "DeleteTable", request)


_JOB_PROPERTIES = (
    "Description",
    "Role",
    "ExecutionProperty",
    "Command",
    "DefaultArguments",
    "NonOverridableArguments",
    "Connections",
    "MaxRetries",
    "Timeout",
    "MaxCapacity",
    "GlueVersion",
    "NumberOfWorkers",
    "WorkerType",
    "SecurityConfiguration",
    "ExecutionClass",
    "LogUri",
)


def _job_name(context: Context, properties: Properties) -> str:
    return context.name(properties.get("Name"), max_length=255)


def _job(context: Context, properties: Properties) -> Created:
    name = _job_name(context, properties)
    request = pick(properties, *_JOB_PROPERTIES)
    context.clients.call("glue", "CreateJob", {**request, "Name": name})
    return Created(name, {})


def _delete_job(context: Context, physical_id: str, properties: Properties) -> None:
    context.clients.call_if_there("glue", "DeleteJob", {"JobName": physical_id})


HANDLERS = {
    "AWS::Glue::Database": Handler(
        create=_database,
        update=_update_database,
        delete=_delete_database,
        replaced_by=("DatabaseInput.Name",),
        holds="tables",
        physical_id=_database_name,
        adopt=_adopt_database,
    ),
    "AWS::Glue::Table": Handler(
        create=_table,
        update=_update_table,
        delete=_delete_table,
        replaced_by=("DatabaseName", "TableInput.Name"),
        physical_id=_table_name,
    ),
    # moto has no UpdateJob: a job is deleted and created again.
    "AWS::Glue::Job": Handler(create=_job, delete=_delete_job, physical_id=_job_name),
}
