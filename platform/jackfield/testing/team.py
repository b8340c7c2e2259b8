"""A team server as its processes: an API, workers, PostgreSQL and Redis, each started, killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from jackfield.testing.installation import Installation
from jackfield.testing.server_programs import PostgresProgram, RedisProgram, free_port

READY_SECONDS = 60.0
PLUGINS = ("web",)


class TeamProcess:
    """One of our processes; what it writes goes to a file."""

    def __init__(self, name: str, arguments: list[str], environment: dict[str, str], log: Path, ready: str) -> None:
        """`ready` is what it writes once it can be used."""
        self.name = name
        self.log = log
        self._arguments = arguments
        self._environment = environment
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Begin, and come back once it is ready; raises RuntimeError with what it wrote if it is not soon."""
        begun_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, with what a test says
                [sys.executable, "-m", "jackfield", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        give_up = time.monotonic() + READY_SECONDS
        while self._ready not in self.log.read_bytes()[begun_at:].decode(errors="replace"):
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"{self.name} is not ready; it wrote:\n{self.written()}")
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """End it as a power cut does."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, timeout: float = READY_SECONDS) -> int | None:
        """Its exit status, once it has ended."""
        return None if self._process is None else self._process.wait(timeout)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def written(self) -> str:
        """What it wrote, in all its lives."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


class Team:
    """A server in one folder of this machine; made by `running_team`."""

    def __init__(self, folder: Path, sources: tuple[Path, ...], plugins: tuple[str, ...], **variables: str) -> None:
        self._folder = folder
        self.redis = RedisProgram(folder / "redis")
        self.postgres = PostgresProgram(folder / "postgres")
        self.port = free_port()
        self.installation = Installation(folder, *sources, plugins=(*PLUGINS, *plugins))
        self.environment = self.installation.environment
        self.environment |= {
            "JACKFIELD_DATABASE_URL": self.postgres.url,
            "JACKFIELD_JOBS__REDIS_URL": self.redis.url,
            "JACKFIELD_JOBS__LEASE": "2",
            "JACKFIELD_LOG_LEVEL": "info",
            **variables,
        }
        self.processes: list[TeamProcess] = []

    @property
    def url(self) -> str:
        """Where the API listens, after every start."""
        return f"http://127.0.0.1:{self.port}"

    def install(self, *models: str) -> None:
        """Put models on record that the engine of a plugin takes."""
        for name in models:
            file = self._folder / f"{name}.gguf"
            file.write_bytes(b"GGUF " + name.encode())
            pulled = self.installation.run("models", "pull", str(file), "--name", name, "--link")
            if pulled.returncode:
                raise RuntimeError(pulled.stderr)

    def api(self, *, port: int | None = None, **variables: str) -> TeamProcess:
        """Another API, started: the team's own port for the first."""
        arguments = ["serve", "--executor", "celery", "--port", str(port or self.port)]
        return self._started(f"api-{port or self.port}", arguments, "Jackfield serves on", variables)

    def worker(self, *models: str, **variables: str) -> TeamProcess:
        """Another worker, started; it serves every model where none is named."""
        count = sum(process.name.startswith("worker") for process in self.processes)
        named = ["--models", ",".join(models)] if models else []
        return self._started(f"worker-{count}", ["worker", *named], "Ctrl+C stops it", variables)

    def stop(self) -> None:
        """Kill whatever still runs."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
        self.redis.kill()
        self.postgres.stop()

    def logs(self) -> str:
        """What all processes wrote."""
        return "\n".join(f"--- {process.name}\n{process.written()}" for process in self.processes)

    def _started(self, name: str, arguments: list[str], ready: str, variables: dict[str, str]) -> TeamProcess:
        environment = {**self.environment, **variables}
        process = TeamProcess(name, arguments, environment, self._folder / f"{name}.log", ready)
        self.processes.append(process)
        return process.start()


@contextmanager
def running_team(*sources: Path, plugins: tuple[str, ...], models: tuple[str, ...], **variables: str) -> Iterator[Team]:
    """PostgreSQL, Redis and a database with models, and no process of ours yet; everything ends with the block.

    `sources` are plugin distributions, `plugins` their names, `variables` the environment of every process.
    """
    # PostgreSQL's own user must get in, and a socket's path must be short: not below pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="jackfield-team-"))
    folder.chmod(0o755)
    try:
        team = Team(folder, sources, plugins, **variables)
        try:
            team.postgres.start()
            team.redis.start()
            team.install(*models)
            yield team
        finally:
            team.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=bool(os.environ.get("CI")))
