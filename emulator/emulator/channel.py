"""A two-way channel of JSON lines between the emulator and a Node worker."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from emulator.children import Child, Children

_VARIABLE = "EMULATOR_CHANNEL"


def spawn_worker(
    children: Children,
    argv: list[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: int | None = None,
) -> tuple[Child, socket.socket]:
    """Start a Node worker and return it with the emulator's end of its channel.

    Its output goes to `output`, or to the emulator's own stderr.

    Raises:
        OSError: the worker cannot be started.
    """
    ours, theirs = socket.socketpair()
    descriptor = theirs.fileno()
    stderr = os.dup(2) if output is None else output
    try:
        child = children.spawn(
            argv,
            cwd=cwd,
            env={**env, _VARIABLE: str(descriptor)},
            output=stderr,
            pass_fds=[descriptor],
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
        if output is None:
            os.close(stderr)
    return child, ours
