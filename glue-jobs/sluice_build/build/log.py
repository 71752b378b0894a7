"""The job's log: lines on standard error that each name the run and the table.

Glue 5 takes what a script writes to its standard streams into its log group `…/output`.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LOGGER = logging.getLogger("sluice_build")

_run: ContextVar[str] = ContextVar("run", default="-")
_table: ContextVar[str] = ContextVar("table", default="-")


class _Keys(logging.Filter):
    """Puts the run and the table of the thread that writes into its lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.run, record.table = _run.get(), _table.get()
        return True


class _Formatter(logging.Formatter):
    """Lines that each carry the keys, those of a stack too; times are UTC."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        head = (
            f"{self.formatTime(record, self.datefmt)} {record.levelname} "
            f"run={record.__dict__['run']} table={record.__dict__['table']}"
        )
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return "\n".join(f"{head} build: {line}" for line in text.splitlines() or [""])


def log_to_standard_error() -> None:
    """Write the log of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(datefmt="%Y-%m-%dT%H:%M:%SZ"))
    # On the handler: a logger's own filters do not see what its children log.
    handler.addFilter(_Keys())
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


@contextmanager
def about_run(run: str) -> Iterator[None]:
    """Lines that are logged meanwhile, and in threads given this context, name the run."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)


@contextmanager
def about_table(table: str) -> Iterator[None]:
    """Lines that this thread logs meanwhile name the table."""
    token = _table.set(table)
    try:
        yield
    finally:
        _table.reset(token)
