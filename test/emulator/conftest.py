"""One emulator for all tests of this folder."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from running_emulator import PROBE_SOURCE, Emulator, start_emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = start_emulator(tmp_path_factory.mktemp("emulator"))
    running.create_function("probe", PROBE_SOURCE)
    try:
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) == 0
