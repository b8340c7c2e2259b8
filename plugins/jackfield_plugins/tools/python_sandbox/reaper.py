"""Runs a program and ends with it all that it started; handed to the interpreter as text.

On Linux, whatever a program leaves behind becomes a child of this process, so a daemon is found and no dead one stays.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

SUBREAPER, PARENT_DEATH_SIGNAL = 36, 1
"""PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG of prctl(2)."""


def main() -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(SUBREAPER, 1, 0, 0, 0)
        libc.prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the program to run
    signal.signal(signal.SIGTERM, lambda *_: _kill_group(child))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    status = _status(child)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_the_rest(child)
    os._exit(status % 256 if status >= 0 else 128 - status)


def _status(child: int) -> int:
    """How the program ends; the dead that it leaves before are buried meanwhile."""
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status)


def _end_the_rest(child: int) -> None:
    """Kill what became ours until nobody is left, each of which may have had children of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ChildProcessError):
        while True:
            for orphan in _children():
                _kill(orphan)
            os.wait()


def _children() -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def _kill_group(leader: int) -> None:
    """Kill a process and its group, which it may not have yet."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    _kill(leader)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
