"""Plugins' ASGI apps under paths of the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from jackfield.contracts.mounts import ASGIApp, Mount
from jackfield.contracts.registration import Provided
from jackfield.errors import MissingDependency
from jackfield.hookspecs import hookimpl
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield.workbench import Workbench
from jackfield_web.app import create_app


class Guestbook:
    """Says which path it was asked at, and notes when it is open."""

    def __init__(self, path: str = "/guests") -> None:
        self.path = path
        self.open = False

    @asynccontextmanager
    async def app(self, workbench: Workbench) -> AsyncIterator[ASGIApp]:
        """For as long as it is open."""
        self.open = True
        yield self._answer
        self.open = False

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        said = f"{scope['method']} {scope['root_path']} {scope['path']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": said})


class Unopened(Guestbook):
    """Fails when it is opened."""

    def app(self, workbench: Workbench) -> Any:
        """Not today."""
        raise ZeroDivisionError


class Mounts:
    """Offers one mount."""

    def __init__(self, build: Callable[[], Mount]) -> None:
        self._build = build

    @hookimpl
    def jackfield_mounts(self) -> list[Provided[Mount]]:
        """As it was told."""
        return [Provided("guestbook", self._build)]


@asynccontextmanager
async def served(folder: Path, build: Callable[[], Mount]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app with a mount, with the app's lifespan around it."""
    plugins = (("guests", Mounts(build)),)
    async with temporary_workbench(folder / "home", plugins=plugins) as workbench:
        app = create_app(lambda: nullcontext(workbench))
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with (
            app.lifespan(),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            yield client


async def test_an_app_is_served_at_its_path_and_below_while_the_server_is_open(tmp_path: Path) -> None:
    book = Guestbook()
    async with served(tmp_path, lambda: book) as client:
        assert book.open
        assert (await client.get("/guests")).text == "GET /guests /guests"
        assert (await client.put("/guests/a%20b/c")).text == "PUT /guests /guests/a b/c"
        assert (await client.get("/guestsbook")).status_code == 404
        assert (await client.get("/healthz")).status_code == 200
    assert not book.open


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
async def test_the_servers_guards_come_first(tmp_path: Path, headers: dict[str, str]) -> None:
    async with served(tmp_path, Guestbook) as client:
        response = await client.post("/guests", headers=headers)
        assert response.status_code == 403
        assert response.json()["error"]["code"] == "forbidden"


def _lacking() -> Mount:
    raise MissingDependency("The package 'paper' is not installed.")


@pytest.mark.parametrize("build", [_lacking, Unopened, lambda: Guestbook("/healthz"), lambda: Guestbook("/api")])
async def test_one_that_fails_is_left_out_with_a_reason(tmp_path: Path, build: Callable[[], Mount]) -> None:
    with capture_logs() as logs:
        async with served(tmp_path, build) as client:
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.get("/guests")).status_code == 404
    assert [entry["mount"] for entry in logs if entry["event"] == "a plugin's mount is left out"] == ["guestbook"]
