"""The failures of states, and which of them a Retry or Catch names."""

from __future__ import annotations

from collections.abc import Sequence

TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
RUNTIME = "States.Runtime"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
ITEM_READER_FAILED = "States.ItemReaderFailed"
EXCEED_TOLERATED_FAILURE_THRESHOLD = "States.ExceedToleratedFailureThreshold"

_MAX_ERROR_LENGTH = 256
_MAX_CAUSE_LENGTH = 32_768


class StateError(Exception):
    """A failure that has a name, and that a Retry or Catch may handle."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error[:_MAX_ERROR_LENGTH]
        self.cause = cause[:_MAX_CAUSE_LENGTH]


class TaskError(StateError):
    """The error of a called service, which the history shows as TaskFailed."""


class HistoryFull(Exception):
    """The execution reached its last event; nothing can handle that."""


class InvalidDefinition(Exception):
    """A state machine that AWS would not create, or that this interpreter cannot run."""


def names(error_equals: Sequence[str], error: str) -> bool:
    """Whether the ErrorEquals of a Retry or Catch names an error.

    States.Runtime can never be handled. States.ALL leaves States.DataLimitExceeded out, and
    States.TaskFailed stands for every error but States.Timeout.
    """
    if error == RUNTIME:
        return False
    if error in error_equals:
        return True
    if "States.ALL" in error_equals and error != DATA_LIMIT_EXCEEDED:
        return True
    return TASK_FAILED in error_equals and error not in (TIMEOUT, DATA_LIMIT_EXCEEDED)
