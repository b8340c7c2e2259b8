"""Redis and PostgreSQL as programs that a test starts, kills and starts again, each in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

START_SECONDS = 60.0
DEBIAN = Path("/usr/lib/postgresql")


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def redis_program() -> str | None:
    """Where Redis is installed, if it is."""
    return shutil.which("redis-server", path=f"{os.environ.get('PATH', os.defpath)}:/usr/bin:/usr/local/bin")


def postgres_programs() -> Path | None:
    """The folder of the newest PostgreSQL that is installed."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = shutil.which("initdb")
    return versions[-1].parent if versions else Path(found).parent if found else None


class RedisProgram:
    """A Redis server that keeps nothing on disk: killed, it has forgotten everything."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, the same after every start."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Begin, and come back once it answers."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._process = subprocess.Popen(  # noqa: S603 - a server of ours, with what a test says
            [redis_program() or "redis-server", *options, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        _await(self._answers, "redis-server")

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")


class PostgresProgram:
    """A PostgreSQL server; killed, it has what was committed."""

    def __init__(self, folder: Path) -> None:
        """Lay out a cluster in a folder, which PostgreSQL's user must be able to reach."""
        folder.mkdir(parents=True)
        self._folder = folder
        self._data = folder / "data"
        self._port = free_port()
        self._programs = postgres_programs() or Path("/usr/bin")
        self._user = _other_user()
        if self._user:
            shutil.chown(folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", self._data, "-U", "jackfield", "-A", "trust", "-E", "UTF8", "--no-sync")

    @property
    def url(self) -> str:
        """Its address, the same after every start."""
        return f"postgresql://jackfield@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Begin, mend what a kill left, and come back once it answers."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        log = self._folder / "log"
        self._run("pg_ctl", "-D", self._data, "-o", options, "-l", log, "-w", "-t", str(START_SECONDS), "start")

    def kill(self) -> None:
        """End it as a power cut does, with every process that it started."""
        lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        server = psutil.Process(int(lines[0]))
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=START_SECONDS)

    def stop(self) -> None:
        """End it in order."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: Path | str) -> None:
        """Run one of PostgreSQL's programs, which refuse to run as root."""
        subprocess.run(  # noqa: S603 - a server of ours, with what a test says
            [str(self._programs / program), *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            cwd="/",
            timeout=2 * START_SECONDS,
            check=True,
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
        )


def _other_user() -> pwd.struct_passwd | None:
    """Whom to be instead of root; None for who is not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in known else "nobody")


def _await(done: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        with suppress(OSError):
            if done():
                return
        time.sleep(0.02)
    raise TimeoutError(f"{what} was not seen within {START_SECONDS:.0f} seconds")
