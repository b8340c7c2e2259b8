"""Servers as processes of their own, each on a free port of this machine, ended with the block."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]

from jackfield.errors import Unavailable

START_SECONDS = 120.0
STOP_SECONDS = 20.0


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A server that answers on a port; `key` is what it wants to see."""

    name: str
    port: int
    pid: int
    key: str = ""

    @property
    def cpu_seconds(self) -> float:
        """Processor time that it and its children took so far."""
        own = psutil.Process(self.pid)
        times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
        return float(sum(time.user + time.system for time in times))

    @property
    def memory(self) -> int:
        """Bytes in memory that are its own, without what it shares with other processes."""
        own = psutil.Process(self.pid)
        return int(sum(process.memory_full_info().uss for process in (own, *own.children(recursive=True))))


def free_port() -> int:
    """A port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    log: Path,
    key: str = "",
    variables: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Start a server and wait until it listens; raises Unavailable with the end of its log where it does not."""
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603 - what the bench was told to measure
            command,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(variables or {})},
        )
        try:
            _wait_until_listening(name, process, port, log)
            yield Running(name=name, port=port, pid=process.pid, key=key)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_listening(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    end = log.read_text(encoding="utf-8", errors="replace")[-400:]
    raise Unavailable(f"{name} did not begin to listen; its log ends with: {end}")
