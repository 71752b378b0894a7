"""What stops one table, and its cause in a few lines."""

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

CAUSE_CHARACTERS = 1500


class TableFailed(Exception):
    """One table cannot be built; the message names the place, the value and the fix."""


def cause(error: BaseException) -> str:
    """The message of an error without stack traces, cut to a length that fits a report."""
    if isinstance(error, Py4JJavaError):
        root = error.java_exception
        while root.getCause() is not None:
            root = root.getCause()
        text = str(root.toString())
    elif isinstance(error, TableFailed):
        text = str(error)
    elif isinstance(error, PySparkException):
        text = str(error).split("\n\nJVM stacktrace")[0]
    else:
        text = f"{type(error).__name__}: {error}"
    # A failure in a Python worker carries its traceback; the last line says what happened.
    if "Traceback (most recent call last)" in text:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        causes = [line for line in lines if "TableFailed: " in line]
        text = causes[-1].split("TableFailed: ", 1)[1] if causes else lines[-1]
    return text if len(text) <= CAUSE_CHARACTERS else text[: CAUSE_CHARACTERS - 1] + "…"
