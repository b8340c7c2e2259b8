"""The services of a compose.yaml as processes of this machine, where there is no container engine to run them.

Each service runs its own command with its own environment. What a container would give it is mapped: names of other
services to loopback and private ports, volumes to folders, an image's programs to those installed here.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from jackfield.testing.compose_file import ServiceSpec, read_services
from jackfield.testing.postgres_image import PostgresImage

PORTS = {"postgres": 5432, "redis": 6379}
"""The ports that services listen at inside the network, beside those that the file publishes."""

INTERVAL = 0.25
"""Seconds between two health checks here: how often a file asks is for machines that nobody waits for."""

SERVICE_TIMEOUT = 120.0


class ServiceFailed(Exception):
    """A service ended or did not get well; the message holds the end of its log."""


class ComposeServices:
    """Services of one file. Nothing listens beyond loopback."""

    def __init__(self, file: Path, folder: Path, variables: Mapping[str, str], **added: str) -> None:
        """`added` are variables for Jackfield's own services beside those of the file."""
        self.specs = read_services(file, variables)
        self._folder = folder
        self._added = added
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = {name: _free_port() for name in self.specs}
        self._postgres = PostgresImage(folder / "postgres-image")
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)

    def address(self, service: str) -> str:
        """Where a service is reached, as `127.0.0.1:port`."""
        return f"127.0.0.1:{self._ports[service]}"

    def log(self, service: str) -> str:
        """All that a service has written."""
        path = self._folder / f"{service}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def up(self) -> None:
        """Start every service once those it depends on are as it asks, and wait until all are well."""
        waiting = dict(self.specs)
        while waiting:
            ready = [name for name, spec in waiting.items() if not waiting.keys() & spec.depends_on.keys()]
            if not ready:
                raise ServiceFailed(f"{', '.join(waiting)} depend on one another.")
            for name in ready:
                for other, condition in waiting.pop(name).depends_on.items():
                    self._await(other, condition)
                self.start(name)
        for name, spec in self.specs.items():
            self._await(name, "service_healthy" if spec.health else "service_completed_successfully")

    def start(self, service: str) -> None:
        """Start one, without waiting."""
        spec = self.specs[service]
        command = self.command(service, spec.command)
        user = self._postgres.prepared(self.environment(service)) if self._is_postgres(spec) else None
        with (self._folder / f"{service}.log").open("ab") as log:
            self._processes[service] = subprocess.Popen(  # noqa: S603 - what the file says
                command,
                env=self.environment(service),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=user,
                group=user and self._postgres.group,
            )

    def kill(self, service: str) -> None:
        """Kill one as -9 does, with all that it started."""
        process = self._processes.pop(service)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)

    def stop(self, service: str) -> int:
        """Stop one as Compose does: its signal, its grace, then -9; its exit status."""
        spec, process = self.specs[service], self._processes.pop(service)
        if process.poll() is None:
            process.send_signal(signal.Signals[spec.stop_signal])
        try:
            return process.wait(timeout=spec.stop_grace)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)

    def down(self) -> dict[str, int]:
        """Stop everything, those first that others do not depend on; exit statuses."""
        order = sorted(self._processes, key=lambda name: len(self.specs[name].depends_on), reverse=True)
        return {name: self.stop(name) for name in order}

    def is_well(self, service: str) -> bool:
        """What a service's health check says now."""
        check = self.specs[service].health
        if check is None:
            raise ValueError(f"'{service}' has no health check.")
        try:
            done = subprocess.run(  # noqa: S603 - what the file says
                self.command(service, check.command),
                env=self.environment(service),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=max(check.timeout, 20),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def run(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """A command in a service's place, as `docker compose exec` runs it."""
        return subprocess.run(  # noqa: S603 - what a test says
            self.command(service, command),
            env=self.environment(service),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SERVICE_TIMEOUT,
            check=False,
        )

    def environment(self, service: str) -> dict[str, str]:
        """A service's variables, mapped, beside the few that every process here needs."""
        spec = self.specs[service]
        own = {name: self._mapped(value, spec) for name, value in spec.environment.items()}
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        temporary = self._folder / "tmp" / service
        temporary.mkdir(parents=True, exist_ok=True)
        temporary.chmod(0o777)
        made = {"TMPDIR": str(temporary), "HOME": str(temporary)}
        if self._is_postgres(spec):
            made |= {"PGPORT": str(self._ports[service])}
        elif spec.command[:1] == ("jackfield",):
            made |= {"JACKFIELD_SERVER__PORT": str(self._ports[service]), **self._added}
        return kept | own | made

    def command(self, service: str, words: tuple[str, ...]) -> list[str]:
        """A service's words, mapped, its program one of this machine."""
        spec = self.specs[service]
        mapped = [self._mapped(word, spec) for word in words]
        if mapped[:1] == ["jackfield"]:
            return [sys.executable, "-m", "jackfield", *mapped[1:]]
        return self._postgres.command(mapped) if self._is_postgres(spec) else mapped

    def _mapped(self, text: str, spec: ServiceSpec) -> str:
        """Names, ports and paths of the containers' world as they are here."""
        for name, port in self._ports.items():
            inside = PORTS.get(name, *self.specs[name].ports) if name in PORTS or self.specs[name].ports else None
            if inside:
                text = re.sub(rf"(?<![\w.-]){name}:{inside}\b", f"127.0.0.1:{port}", text)
                if name == spec.name:
                    text = re.sub(rf"(?<![\w.]){inside}\b", str(port), text)
        for source, inside_path in spec.volumes:
            folder = self._folder / "volumes" / source
            folder.mkdir(parents=True, exist_ok=True)
            text = re.sub(rf"(?<![\w/.-]){inside_path}(?![\w.-])", str(folder), text)
        return text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - what is replaced

    def _is_postgres(self, spec: ServiceSpec) -> bool:
        return spec.image.startswith("postgres:")

    def _await(self, service: str, condition: str) -> None:
        conditions: dict[str, Callable[[], bool]] = {
            "service_started": lambda: True,
            "service_healthy": lambda: self.is_well(service),
            "service_completed_successfully": lambda: self._processes[service].poll() == 0,
        }
        deadline = time.monotonic() + SERVICE_TIMEOUT
        while not conditions[condition]():
            status = self._processes[service].poll()
            if status or (status is not None and condition == "service_healthy"):
                raise ServiceFailed(f"'{service}' ended with {status}:\n{self.log(service)[-4000:]}")
            if time.monotonic() > deadline:
                raise ServiceFailed(f"'{service}' did not get well:\n{self.log(service)[-4000:]}")
            time.sleep(INTERVAL)


@contextmanager
def compose_up(file: Path, folder: Path, variables: Mapping[str, str], **added: str) -> Iterator[ComposeServices]:
    """All services of a file, well in this block, and gone after it."""
    services = ComposeServices(file, folder, variables, **added)
    try:
        services.up()
        yield services
    finally:
        services.down()


def made_up_secrets(*names: str) -> dict[str, str]:
    """A secret for each name, as .env.example says to make them."""
    return {name: secrets.token_hex(32) for name in names}


def missing_programs() -> list[str]:
    """The programs that the services need and this machine lacks."""
    missing = [] if PostgresImage.is_possible() else ["PostgreSQL"]
    return missing + [name for name in ("redis-server", "redis-cli") if not shutil.which(name)]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
