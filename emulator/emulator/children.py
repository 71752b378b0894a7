"""Child processes that never outlive the emulator, and what memory they took."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _status_bytes(pid: int, field: str) -> int:
    """A memory figure of /proc/<pid>/status; 0 when the process is gone or there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                children = [int(child) for child in (task / "children").read_text().split()]
                found.extend(children)
                waiting.extend(children)
    return found


class Child:
    """One child process, leader of its own process group."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ended = threading.Event()
        self._peak_rss_bytes = 0
        self._exit_code = 0
        threading.Thread(target=self._reap, name=f"reap-{process.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id, which is its group's id too."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return not self._ended.is_set()

    @property
    def exit_code(self) -> int:
        """The exit status once it has ended; a negative number is the signal that ended it."""
        return self._exit_code

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the process has ended; False when the time is over."""
        return self._ended.wait(timeout_seconds)

    def kill(self) -> None:
        """End the process and all it has started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def reset_peak_rss(self) -> None:
        """Begin to measure the peak of resident memory anew (Linux only)."""
        with contextlib.suppress(OSError):
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak_rss_bytes(self) -> int:
        """The peak of resident memory since the last reset, or of its whole life once it ended."""
        return self._peak_rss_bytes if not self.alive else _status_bytes(self.pid, "VmHWM")

    def tree_rss_bytes(self) -> int:
        """What the process and all its descendants hold in memory now."""
        return sum(_status_bytes(pid, "VmRSS") for pid in [self.pid, *_descendants(self.pid)])

    def _reap(self) -> None:
        try:
            _, status, usage = os.wait4(self.pid, 0)
        except ChildProcessError:
            self._ended.set()
            return
        self._exit_code = os.waitstatus_to_exitcode(status)
        # Popen must know that there is no process to wait for, or it would wait for a reused id.
        self._process.returncode = self._exit_code
        unit = 1 if sys.platform == "darwin" else 1024
        self._peak_rss_bytes = usage.ru_maxrss * unit
        self._ended.set()


class Children:
    """Starts child processes and ends all of them.

    Linux kills a child marked with PR_SET_PDEATHSIG when the *thread* that started it ends, so
    all are started by one thread that lives as long as the emulator.
    """

    def __init__(self) -> None:
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="start-children")
        self._lock = threading.Lock()
        self._children: list[Child] = []
        self._closed = False

    def spawn(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        output: int,
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start a process whose stdout and stderr go to the file descriptor `output`.

        Raises:
            OSError: the program cannot be started.
        """

        def start() -> Child:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=pass_fds,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
            return Child(process)

        child = self._starter.submit(start).result()
        with self._lock:
            self._children = [other for other in self._children if other.alive]
            self._children.append(child)
            closed = self._closed
        if closed:
            child.kill()
        return child

    def kill_all(self, timeout_seconds: float = 10) -> None:
        """End every child and wait until it is gone; whatever is started later ends at once."""
        with self._lock:
            self._closed = True
            children = list(self._children)
        for child in children:
            if child.alive:
                child.kill()
        for child in children:
            child.wait(timeout_seconds)
