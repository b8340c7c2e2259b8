"""A machine of its own for whole commands: each runs in a process of its own, as a person or a script runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from jackfield.testing.installed_plugins import lay_out_plugins
from jackfield.testing.warm_process import run_warm

OWN_PLUGINS = ("platform", "model-sources", "storage", "migrations")
"""Jackfield's own that need no weights and no compiled engine."""
TIMEOUT = 60


class Installation:
    """Plugins, settings and a data folder that only the commands run here see."""

    def __init__(self, folder: Path, *sources: Path, plugins: tuple[str, ...] = ()) -> None:
        """Install the distributions in `sources`; `plugins` are the names of theirs that load beside our own."""
        self.home = folder / "home"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD_")},
            "PYTHONPATH": str(lay_out_plugins(folder / "site", *sources)),
            "PYTHONIOENCODING": "utf-8:strict",
            "JACKFIELD_HOME": str(self.home),
            "JACKFIELD_SETTINGS": str(folder / "jackfield.toml"),
            "JACKFIELD_LOAD_PLUGINS": ",".join((*OWN_PLUGINS, *plugins)),
        }

    def run(
        self,
        *arguments: str,
        typed: bytes | str = b"",
        stdout: IO[bytes] | int = subprocess.PIPE,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end with `typed` piped in; its stdout is empty where it goes to a file."""
        given = typed.encode() if isinstance(typed, str) else typed
        environment = {**self.environment, **variables}
        done = run_warm(arguments, environment=environment, typed=given, stdout=stdout, timeout=TIMEOUT)
        written = (done.stdout or b"").decode()
        return subprocess.CompletedProcess(done.args, done.returncode, written, done.stderr.decode())

    def started(self, *arguments: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A command under way, its three streams piped."""
        return subprocess.Popen(  # noqa: S603 - our own command, with what a test says
            [sys.executable, "-m", "jackfield", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )
