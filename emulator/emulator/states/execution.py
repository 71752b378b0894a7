"""One execution of a state machine, as the API shows it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from emulator.json_types import Json, compact
from emulator.states.definition import Machine
from emulator.states.history import History


class Execution:
    """An execution: what it was given, how it stands, and what it gave.

    The names of the public members are those that moto's own executions have, because moto's
    list and idempotency code reads them.
    """

    def __init__(
        self,
        *,
        arn: str,
        name: str,
        state_machine_arn: str,
        state_machine_name: str,
        role_arn: str,
        execution_input: str,
        input_value: Json,
        machine: Machine,
        map_run_arn: str | None = None,
    ) -> None:
        self.execution_arn = arn
        self.name = name
        self.state_machine_arn = state_machine_arn
        self.state_machine_name = state_machine_name
        self.role_arn = role_arn
        self.execution_input = execution_input
        self.input_value = input_value
        self.machine = machine
        self.map_run_arn = map_run_arn
        self.start_date = datetime.now(UTC)
        self.stop_date: datetime | None = None
        self.status = "RUNNING"
        self.output: str | None = None
        self.output_value: Json = None
        self.error: str | None = None
        self.cause: str | None = None
        self.history = History()
        self.task: asyncio.Task[None] | None = None
        self.stop_error: str | None = None
        self.stop_cause: str | None = None

    def succeed(self, output: Json) -> None:
        """End well."""
        self.output_value = output
        self.output = compact(output)
        self._end("SUCCEEDED")

    def fail(self, status: str, error: str | None = None, cause: str | None = None) -> None:
        """End as FAILED, TIMED_OUT or ABORTED."""
        self.error, self.cause = error, cause
        self._end(status)

    def _end(self, status: str) -> None:
        self.stop_date = datetime.now(UTC)
        # Last, since other threads take it for the sign that all else is set.
        self.status = status

    def context(self) -> dict[str, Json]:
        """The Execution and StateMachine of the context object."""
        return {
            "Execution": {
                "Id": self.execution_arn,
                "Input": self.input_value,
                "Name": self.name,
                "RoleArn": self.role_arn,
                "StartTime": timestamp(self.start_date),
                "RedriveCount": 0,
            },
            "StateMachine": {"Id": self.state_machine_arn, "Name": self.state_machine_name},
        }


class MapRun:
    """One run of a Distributed Map."""

    def __init__(
        self, arn: str, execution_arn: str, state_machine_arn: str, max_concurrency: int
    ) -> None:
        self.arn = arn
        self.execution_arn = execution_arn
        self.state_machine_arn = state_machine_arn
        self.max_concurrency = max_concurrency
        self.start_date = datetime.now(UTC)
        self.stop_date: datetime | None = None
        self.status = "RUNNING"
        self.children: list[Execution] = []

    def end(self, status: str) -> None:
        """End as SUCCEEDED, FAILED or ABORTED."""
        self.stop_date = datetime.now(UTC)
        self.status = status

    def count(self, status: str) -> int:
        """How many children have this status."""
        return sum(child.status == status for child in self.children)


def timestamp(moment: datetime) -> str:
    """A time as the context object and SDK responses show it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
