"""A PostgreSQL server of our own for tests: from Debian's packages, in a folder of its own, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debian_packages import install_in_ci

DEBIAN = Path("/usr/lib/postgresql")
VARIABLE = "JACKFIELD_TEST_POSTGRES"


def why_not() -> str | None:
    """Why there can be no server here; None where there can. CI that runs as root installs what is missing."""
    if os.environ.get(VARIABLE) or _programs():
        return None
    install_in_ci("postgresql")
    return (
        None if _programs() else f"no PostgreSQL is installed (apt install postgresql), and {VARIABLE} names no server"
    )


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a server: one that is named, else one of our own that goes with the block."""
    if named := os.environ.get(VARIABLE):
        yield named
        return
    programs = _programs()
    if programs is None:
        raise FileNotFoundError("PostgreSQL's programs")
    with tempfile.TemporaryDirectory(prefix="jackfield-postgres-") as folder:
        data, port = Path(folder) / "data", _free_port()
        if os.geteuid() == 0:
            shutil.chown(folder, _user())
        _run(programs / "initdb", "-D", data, "-U", "jackfield", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        _run(programs / "pg_ctl", "-D", data, "-o", options, "-l", Path(folder) / "log", "-w", "-t", "60", "start")
        try:
            yield f"postgresql://jackfield@127.0.0.1:{port}/postgres"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _programs() -> Path | None:
    """The folder of the newest server that is installed."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def _run(*command: Path | str) -> None:
    """Run one of PostgreSQL's programs, which refuse to run as root."""
    other = pwd.getpwnam(_user()) if os.geteuid() == 0 else None
    subprocess.run(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        cwd="/",
        timeout=120,
        check=True,
        user=other.pw_uid if other else None,
        group=other.pw_gid if other else None,
    )


def _user() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
