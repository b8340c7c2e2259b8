"""What the official PostgreSQL image does at its start, with the programs of Debian's package."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")


class PostgresImage:
    """The image's programs and its first start. As root it runs everything as another user, as PostgreSQL demands."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def is_possible() -> bool:
        """Whether a server is installed."""
        return _programs() is not None

    @property
    def group(self) -> int | None:
        """The group that goes with the user."""
        return self._user.pw_gid if self._user else None

    def command(self, words: Sequence[str]) -> list[str]:
        """A command of the image; the server keeps its socket in a folder of ours."""
        programs = _programs()
        program = programs / words[0] if programs and (programs / words[0]).exists() else words[0]
        sockets = ["-k", str(self._folder)] if words[0] == "postgres" else []
        return [str(program), *words[1:], *sockets]

    def prepared(self, environment: Mapping[str, str]) -> int | None:
        """Make the database cluster unless it is there; the user to run the server as, None for the present one."""
        data = Path(environment["PGDATA"])
        self._folder.mkdir(parents=True, exist_ok=True)
        data.parent.mkdir(parents=True, exist_ok=True)
        if self._user:
            for folder in (self._folder, data.parent):
                shutil.chown(folder, self._user.pw_uid, self._user.pw_gid)
        if not (data / "PG_VERSION").exists():
            self._initialise(data, environment)
        return self._user.pw_uid if self._user else None

    @property
    def _user(self) -> pwd.struct_passwd | None:
        """Whom to become, where we are root."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        return known.get("postgres") or known["nobody"]

    def _initialise(self, data: Path, environment: Mapping[str, str]) -> None:
        self._folder.chmod(0o700)
        password = self._folder / "password"
        password.write_text(environment["POSTGRES_PASSWORD"], encoding="utf-8")
        name = environment["POSTGRES_USER"]
        options = shlex.split(environment.get("POSTGRES_INITDB_ARGS", ""))
        self._run(["initdb", "-D", str(data), "-U", name, f"--pwfile={password}", "--no-sync", *options])
        password.unlink()
        database = f'CREATE DATABASE "{environment["POSTGRES_DB"]}";\n'
        self._run(["postgres", "--single", "-D", str(data), "postgres"], database)

    def _run(self, words: Sequence[str], said: str = "") -> None:
        programs = _programs()
        if programs is None:
            raise FileNotFoundError("PostgreSQL's programs")
        user = self._user
        subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            [str(programs / words[0]), *words[1:]],
            input=said,
            text=True,
            capture_output=True,
            cwd="/",
            timeout=120,
            check=True,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
        )


def _programs() -> Path | None:
    """The folder of the newest server that is installed."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).parent if found else None
