"""Many requests at once against one budget, over processes of `jackfield serve` that share a database."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import postgres_server
import pytest

from jackfield.contracts.budgets import Budget
from jackfield.contracts.identity import Holder
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.desk import opened_identity
from jackfield.identity.keys import KeyWish, NewKey
from jackfield.plugin_host import loaded_host
from jackfield.settings import load_settings
from jackfield.testing.installation import Installation
from jackfield.wiring import open_store

SCRIPTED_ENGINE = Path(__file__).parents[1] / "sample_plugin" / "scripted_engine"
START_SECONDS = 60.0

PROMPT = [97] * 90
MOST_WRITTEN = 4
SET_ASIDE = len(PROMPT) + 1 + MOST_WRITTEN
"""One more than it takes: 50 that have ended leave no room for another."""
TAKEN = len(PROMPT) + MOST_WRITTEN
ASKED, RUN = 200, 50


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'team.db'}"
        return
    import psycopg

    with postgres_server.postgres_server() as server:
        name = f"race_{uuid4().hex[:12]}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            try:
                yield server.rpartition("/")[0] + f"/{name}"
            finally:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_exactly_as_many_run_as_the_budget_has_room_for(tmp_path: Path, database: str, processes: int) -> None:
    machine = Installation(tmp_path, SCRIPTED_ENGINE, plugins=("scripted-engine", "web"))
    machine.environment |= {"JACKFIELD_DATABASE_URL": database, "JACKFIELD_IDENTITY__ENABLED": "true"}
    machine.environment["JACKFIELD_IDENTITY__SETUP_TOKEN"] = "a token of these tests"
    model = tmp_path / "scripted.gguf"
    model.write_bytes(b"GGUF scripted")
    pulled = machine.run("models", "pull", str(model), "--name", "scripted", "--link")
    assert pulled.returncode == 0, pulled.stderr
    key = asyncio.run(_key_with_budget(machine, database))
    with ExitStack() as servers:
        addresses = [servers.enter_context(_serving(machine, tmp_path, number)) for number in range(processes)]
        answers = asyncio.run(_asked_at_once(addresses, key))
        ran = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert (len(ran), len(refused)) == (RUN, ASKED - RUN), {answer.text for answer in answers}
        assert {answer.json()["error"]["code"] for answer in refused} == {"insufficient_quota"}
        assert {answer.json()["usage"]["total_tokens"] for answer in ran} == {TAKEN}
        for line in _usage(addresses[-1], key):
            assert (line["requests"], line["spent"]["tokens"]) == (RUN, RUN * TAKEN)
            assert line["reserved"] == {"tokens": 0, "money": 0}


async def _key_with_budget(machine: Installation, database: str) -> NewKey:
    settings = load_settings(
        home=machine.home, database_url=database, identity={"enabled": True, "setup_token": "a token of these tests"}
    )
    async with open_store(settings, loaded_host()) as store:
        identity = await opened_identity(store, settings)
        assert identity is not None
        user = await identity.users.add(COMMAND_LINE, email="ann@example.org", name="Ann", role="member", password=None)
        key = await identity.keys.make(COMMAND_LINE, user, KeyWish(name="race"))
        await store.budgets.put(Budget(holder=Holder("key", key.key.id), period="day", tokens=RUN * SET_ASIDE))
        return key


@contextmanager
def _serving(machine: Installation, folder: Path, number: int) -> Iterator[str]:
    """A server on a free port, once it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    address, log = f"http://127.0.0.1:{port}", folder / f"serve-{number}.log"
    command = [sys.executable, "-m", "jackfield", "serve", "--port", str(port)]
    with (
        log.open("wb") as written,
        subprocess.Popen(command, env=machine.environment, stdout=written, stderr=written) as server,
    ):
        try:
            _wait_until_ready(address, server, log)
            yield address
        finally:
            server.terminate()
            assert server.wait(timeout=30) == 0, log.read_text()


def _wait_until_ready(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"the server was not ready in time: {log.read_text()}")


async def _asked_at_once(addresses: Sequence[str], key: NewKey) -> list[httpx.Response]:
    body = {"model": "scripted", "prompt": PROMPT, "max_tokens": MOST_WRITTEN}
    limits = httpx.Limits(max_connections=ASKED)
    async with httpx.AsyncClient(headers=_bearer(key), timeout=90, limits=limits) as client:
        places = [address for address, _ in zip(cycle(addresses), range(ASKED), strict=False)]
        return await asyncio.gather(*(client.post(f"{place}/v1/completions", json=body) for place in places))


def _usage(address: str, key: NewKey) -> list[dict[str, Any]]:
    answer = httpx.get(f"{address}/api/usage", headers=_bearer(key), timeout=30)
    assert answer.status_code == 200, answer.text
    lines: list[dict[str, Any]] = answer.json()
    return lines


def _bearer(key: NewKey) -> dict[str, str]:
    return {"authorization": f"Bearer {key.secret}"}
