"""One line per Lambda invocation and Glue job run about the memory that it took."""

from __future__ import annotations

import json
import threading
from pathlib import Path


class MemoryLog:
    """Appends to `memory.jsonl`; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def record(self, part: str, name: str, peak_rss_bytes: int, seconds: float) -> None:
        """Write down the peak of resident memory of one invocation or run."""
        line = json.dumps(
            {
                "part": part,
                "name": name,
                "peakRssBytes": peak_rss_bytes,
                "seconds": round(seconds, 3),
            }
        )
        with self._lock, self._path.open("a") as file:
            file.write(line + "\n")
