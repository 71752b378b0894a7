"""One emulator for all tests of a folder, and an app in it whose functions run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, resources
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


@pytest.fixture
def real(
    tmp_path: Path, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> Iterator[Deployment]:
    """An app whose functions run."""
    app = Deployment(tmp_path, emulator.port, capsys)
    yield app
    app.synth(Nothing=resources())
    app.run()
