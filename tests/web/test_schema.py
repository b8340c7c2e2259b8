"""The whole OpenAPI document against the server: whatever is asked, it answers as it says it does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jackfield.contracts.records import sqlite_url
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.desk import Identity
from jackfield.identity.keys import KeyWish
from jackfield.identity.roles import SCOPES
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_storage import plugin as storage
from jackfield_storage.state_store import SqlStateStoreFactory
from jackfield_web.app import create_app

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 10
PATIENCE = 20.0
ADDRESS = "http://localhost"


class Server:
    """The app on an event loop of its own, which runs while it is asked something."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient) -> None:
        self._runner = runner
        self._client = client

    def answer(self, asked: dict[str, Any]) -> httpx.Response:
        """What a request that schemathesis made comes to."""
        ready = requests.Request(**asked).prepare()
        body = ready.body.encode() if isinstance(ready.body, str) else ready.body
        return self._runner.run(
            self._client.request(
                ready.method or "GET", ready.url or "", headers=dict(ready.headers), content=body or b""
            )
        )


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over a model that repeats what it is told: `local`, or of a `team` with an admin's key."""
    identity = {"enabled": request.param == "team", "password_memory_mb": 1}

    async def opened(stack: AsyncExitStack, home: Path) -> httpx.AsyncClient:
        await asyncio.to_thread(AlembicMigrator().upgrade, sqlite_url(home))
        store = await SqlStateStoreFactory().open(sqlite_url(home))
        workbench = await stack.enter_async_context(
            temporary_workbench(home, store=store, plugins=(("storage", storage),), identity=identity)
        )
        app = create_app(lambda: nullcontext(workbench))
        app.state.workbench = workbench
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        headers = {"x-api-key": await admins_key(workbench.identity)} if workbench.identity else {}
        client = httpx.AsyncClient(transport=transport, base_url=ADDRESS, timeout=PATIENCE, headers=headers)
        return await stack.enter_async_context(client)

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        client = runner.run(opened(stack, tmp_path_factory.mktemp("schema")))
        try:
            yield Server(runner, client)
        finally:
            runner.run(stack.aclose())


async def admins_key(identity: Identity) -> str:
    """A key that may do everything."""
    admin = await identity.users.add(
        COMMAND_LINE, email="admin@example.org", name="admin", role="admin", password="correct horse battery"
    )
    return (await identity.keys.make(COMMAND_LINE, admin, KeyWish(name="all", scopes=SCOPES))).secret


def asked_of_both() -> list[Any]:
    """Every operation as this machine's own, and those that take a team as a team's admin."""
    both = []
    for operation in operations():
        both.append(pytest.param("local", operation, id=f"local {operation.label}"))
        if set(operation.tags or ()) & {"Identity", "Budgets", "Semantic files"}:
            both.append(pytest.param("team", operation, id=f"team {operation.label}"))
    return sorted(both, key=lambda one: str(one.values[0]))


def operations() -> list[Any]:
    """Every operation of the document."""
    app = create_app(lambda: nullcontext(None))  # type: ignore[arg-type]
    schema = schemathesis.openapi.from_dict(msgspec.to_builtins(app.openapi_schema.to_schema()))
    return [result.ok() for result in schema.get_all_operations()]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize(("server", "operation"), asked_of_both(), indirect=["server"])
def test_every_answer_is_as_documented(server: Server, operation: Any, mode: GenerationMode) -> None:
    @seed(0)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: Any) -> None:
        response = server.answer(case.as_transport_kwargs(base_url=ADDRESS))
        case.validate_response(response, checks=CHECKS)

    try:
        asked()
    except Unsatisfiable:
        pytest.skip("this operation takes nothing that could be wrong")
