"""A Redis server of our own for tests: from Debian's packages, in a folder of its own, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debian_packages import install_in_ci

VARIABLE = "JACKFIELD_TEST_REDIS"
START_SECONDS = 20.0


def why_not() -> str | None:
    """Why there can be no server here; None where there can. CI that runs as root installs what is missing."""
    if os.environ.get(VARIABLE) or _program():
        return None
    install_in_ci("redis-server")
    return None if _program() else f"no Redis is installed (apt install redis-server), and {VARIABLE} names no server"


@contextmanager
def redis_server() -> Iterator[str]:
    """The address of a server: one that is named, else one of our own that goes with the block."""
    if named := os.environ.get(VARIABLE):
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="jackfield-redis-") as folder:
        port = _free_port()
        server = started(Path(folder), port)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.kill()
            server.wait()


def started(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """A server on a port of this machine that keeps nothing on disk, once it answers."""
    program = _program()
    if program is None:
        raise FileNotFoundError("redis-server")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    give_up = time.monotonic() + START_SECONDS
    while not _answers(port):
        if server.poll() is not None or time.monotonic() > give_up:
            server.kill()
            raise RuntimeError(f"redis-server does not answer on port {port}")
        time.sleep(0.02)
    return server


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _program() -> str | None:
    return shutil.which("redis-server", path=f"{os.environ.get('PATH', os.defpath)}:/usr/bin:/usr/local/bin")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
