"""The events of one execution, at most as many as AWS allows."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from emulator.json_types import Json, compact
from emulator.states.errors import HistoryFull

MAX_EVENTS = 25_000

Event = dict[str, object]


@dataclass
class Trail:
    """Where one branch of an execution stands in the history."""

    previous_id: int


def data(name: str, value: Json) -> dict[str, Json]:
    """The members of an event that show a value: its JSON text, and that it is whole."""
    return {name: compact(value), f"{name}Details": {"truncated": False}}


class History:
    """Events in the order in which they happened."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Event] = []

    def add(
        self, trail: Trail, kind: str, details: dict[str, Json] | None = None, key: str = ""
    ) -> int:
        """Append an event and return its id.

        `key` is the member that holds the details, where it is not the event's type.

        Raises:
            HistoryFull: only the event that ends the execution fits.
        """
        with self._lock:
            if len(self._events) >= MAX_EVENTS - 1 and not kind.startswith("Execution"):
                raise HistoryFull
            number = len(self._events) + 1
            event: Event = {
                "id": number,
                "previousEventId": trail.previous_id,
                "timestamp": datetime.now(UTC),
                "type": kind,
            }
            if details is not None:
                event[key or f"{kind[0].lower()}{kind[1:]}EventDetails"] = details
            self._events.append(event)
        trail.previous_id = number
        return number

    def page(self, start: int, count: int, *, newest_first: bool) -> list[Event]:
        """A part of the events."""
        with self._lock:
            events = self._events[::-1] if newest_first else self._events
            return events[start : start + count]

    def __len__(self) -> int:
        with self._lock:
            return len(self._events)
