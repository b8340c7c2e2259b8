"""A team's server from compose.yaml: every service a process of this machine, with an engine that needs no weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec
import pytest

from jackfield.testing.compose_services import ComposeServices, compose_up, made_up_secrets, missing_programs
from jackfield.testing.installed_plugins import lay_out_plugins
from jackfield.testing.otlp_collector import OtlpCollector, otlp_collector

ROOT = Path(__file__).parents[3]
CALLING_MODEL = ROOT / "tests" / "sample_plugin" / "calling_model"
SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "SETUP_TOKEN")


class Team(msgspec.Struct, frozen=True):
    """The services, the secrets they were started with, the first admin's key, and who takes their spans."""

    services: ComposeServices
    secrets: dict[str, str]
    key: str
    collector: OtlpCollector

    @property
    def address(self) -> str:
        """Where the API is."""
        return f"http://{self.services.address('api')}"


@pytest.fixture(scope="session")
def team() -> Iterator[Team]:
    """Up, set up by its token, with a model that answers what it is told and makes the calls that stand in it."""
    if missing := missing_programs():
        pytest.skip(f"not installed: {', '.join(missing)}")
    # Not pytest's folder: PostgreSQL, which is not run as root, must be able to enter it.
    with TemporaryDirectory(prefix="jackfield-compose-") as folder:
        Path(folder).chmod(0o755)
        yield from _team(Path(folder))


def _team(folder: Path) -> Iterator[Team]:
    site = lay_out_plugins(folder / "site", CALLING_MODEL)
    secrets = made_up_secrets(*SECRETS)
    with (
        otlp_collector() as collector,
        compose_up(
            ROOT / "compose.yaml",
            folder / "services",
            {**secrets, "OTLP_ENDPOINT": collector.address},
            PYTHONPATH=str(site),
        ) as services,
    ):
        model = folder / "scripted.bin"
        model.write_bytes(b"no weights")
        pulled = services.run("api", "jackfield", "models", "pull", str(model), "--name", "scripted", "--default")
        assert pulled.returncode == 0, pulled.stderr
        key = _first_key(f"http://{services.address('api')}", secrets["SETUP_TOKEN"])
        yield Team(services, secrets, key, collector)


def _first_key(address: str, token: str) -> str:
    """What the set-up token leads to: the first admin, signed in, and a key of theirs."""
    with httpx.Client(base_url=address, timeout=30) as browser:
        admin = {"token": token, "email": "ada@example.org", "name": "Ada", "password": "correct horse battery"}
        browser.post("/api/setup", json=admin).raise_for_status()
        csrf = next(value for name, value in browser.cookies.items() if name.endswith("jackfield_csrf"))
        made = browser.post("/api/keys", json={"name": "tests"}, headers={"x-csrf-token": csrf}).raise_for_status()
    secret: str = made.json()["secret"]
    return secret
