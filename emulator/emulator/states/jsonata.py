"""Evaluates JSONata in the npm package `jsonata`, kept running in one Node process."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import Mapping

from emulator.channel import spawn_worker
from emulator.children import Child, Children
from emulator.json_types import Json, line
from emulator.settings import Settings
from emulator.states.errors import QUERY_EVALUATION_ERROR, StateError

# A line of the response holds a whole value, and values from S3 may be large.
_MAX_LINE_BYTES = 256 * 1024 * 1024


class JsonataError(StateError):
    """An expression that failed, or gave nothing."""

    def __init__(self, expression: str, location: str, message: str) -> None:
        super().__init__(
            QUERY_EVALUATION_ERROR,
            f"The JSONata expression '{expression}' specified for the field '{location}' {message}",
        )
        self.location = location
        self.shown = False


def has_expression(template: Json) -> bool:
    """Whether a template holds any expression, so that it must be evaluated at all."""
    if isinstance(template, str):
        return template.startswith("{%") and template.endswith("%}")
    if isinstance(template, dict):
        return any(has_expression(value) for value in template.values())
    if isinstance(template, list):
        return any(has_expression(item) for item in template)
    return False


class Jsonata:
    """A client of the worker; belongs to one event loop."""

    def __init__(self, settings: Settings, children: Children) -> None:
        self._settings = settings
        self._children = children
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Json]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._child: Child | None = None
        self._opening = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    async def fill(self, template: Json, bindings: Mapping[str, Json], field: str) -> Json:
        """Replace every expression of a template by its value.

        `bindings` are the variables, by name without `$`; `field` is the template's place in the
        state, for messages.

        Raises:
            JsonataError: an expression failed or gave nothing.
        """
        if not has_expression(template):
            return template
        writer = await self._connected()
        number = next(self._ids)
        future: asyncio.Future[dict[str, Json]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        request = {"id": number, "template": template, "bindings": dict(bindings)}
        try:
            writer.write(line(request))
            await writer.drain()
            response = await future
        finally:
            self._waiting.pop(number, None)
        error = response.get("error")
        if isinstance(error, dict):
            inner = str(error.get("location"))
            location = f"{field}/{inner}" if inner else field
            raise JsonataError(str(error.get("expression")), location, str(error.get("message")))
        return response.get("value")

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._opening:
            if self._writer is None or self._child is None or not self._child.alive:
                environment = {"PATH": os.environ.get("PATH", "")}
                child, channel = await asyncio.to_thread(
                    spawn_worker,
                    self._children,
                    [
                        str(self._settings.node),
                        str(self._settings.jsonata_worker),
                        str(self._settings.jsonata),
                    ],
                    cwd=self._settings.work_dir,
                    env=environment,
                )
                channel.setblocking(False)
                reader, writer = await asyncio.open_connection(sock=channel, limit=_MAX_LINE_BYTES)
                self._child, self._writer = child, writer
                self._reading = asyncio.create_task(self._read(reader))
            return self._writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while text := await reader.readline():
            response: dict[str, Json] = json.loads(text)
            waiting = self._waiting.get(int(str(response["id"])))
            if waiting is not None and not waiting.done():
                waiting.set_result(response)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(RuntimeError("the JSONata worker has ended"))
        self._writer = None
