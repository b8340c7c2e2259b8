"""A real server on a free port, over a temporary workbench and a scripted engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar.datastructures import State

from jackfield.contracts.doors import Listen
from jackfield.testing.scripted_engine import ScriptedEngine
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield.workbench import Workbench
from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.app import create_app
from jackfield_web.server import StoppableServer
from jackfield_web.sockets import listening_socket

USER = {"role": "user", "content": "hello"}


class Served:
    """A server under test, and a client of it."""

    def __init__(
        self, client: httpx.AsyncClient, workbench: Workbench, engines: list[ScriptedEngine], streams: OpenStreams
    ) -> None:
        self.client = client
        self.workbench = workbench
        self.engines = engines
        self.streams = streams

    async def chat(self, **fields: Any) -> httpx.Response:
        """A chat of one message, unless the fields say otherwise."""
        body = {"model": "scripted", "messages": [USER], **fields}
        return await self.client.post("/v1/chat/completions", json=body)

    async def complete(self, **fields: Any) -> httpx.Response:
        """A raw prompt gone on with."""
        return await self.client.post("/v1/completions", json={"model": "scripted", "prompt": "hello", **fields})

    async def newest_run(self) -> str:
        """The run that was asked for last, once there is one."""
        while not (runs := await self.workbench.runs.recent(limit=1)):
            await asyncio.sleep(0.005)
        return runs[0].id

    async def state_of(self, run_id: str, *expected: str) -> str:
        """A run's state, once it is one of those expected; time-outs are pytest's."""
        while (state := (await self.workbench.run(run_id)).state) not in expected:
            await asyncio.sleep(0.005)
        return state


class SharedApp:
    """An app that serves one workbench after the other, for its routes take longer to build than most tests do."""

    def __init__(self) -> None:
        self.streams = OpenStreams()
        self.app = create_app(lambda: nullcontext(self.app.state.workbench), open_streams=self.streams)
        self._in_use = False

    @contextmanager
    def over(self, workbench: Workbench) -> Iterator[SharedApp]:
        """The app, which knows nothing but this workbench; another one while it serves already."""
        if self._in_use:
            with SharedApp().over(workbench) as another:
                yield another
            return
        self.app.state = State({"workbench": workbench})
        vars(self.streams).update(vars(OpenStreams()))  # the last one belonged to another event loop
        self._in_use = True
        try:
            yield self
        finally:
            self._in_use = False


@pytest.fixture(scope="session")
def shared_app() -> SharedApp:
    """For tests that mount nothing."""
    return SharedApp()


Serving = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serving(tmp_path: Path, shared_app: SharedApp) -> Serving:
    """`async with serving(make_engine, **settings) as served`."""

    @asynccontextmanager
    async def running(
        make_engine: Callable[[], ScriptedEngine] = ScriptedEngine, **settings: Any
    ) -> AsyncIterator[Served]:
        engines: list[ScriptedEngine] = []

        def made() -> ScriptedEngine:
            engines.append(make_engine())
            return engines[-1]

        async with temporary_workbench(tmp_path / "home", made, **settings) as workbench:
            with shared_app.over(workbench) as shared:
                async with (
                    _listening(shared.app, shared.streams) as address,
                    httpx.AsyncClient(base_url=address, timeout=30) as client,
                ):
                    yield Served(client, workbench, engines, shared.streams)

    return running


@asynccontextmanager
async def _listening(app: Any, streams: OpenStreams) -> AsyncIterator[str]:
    ready = asyncio.Event()
    with listening_socket(Listen(host="127.0.0.1", port=0)) as listener:
        server = StoppableServer(app, streams, on_ready=ready.set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await ready.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.stop()
            await serving


def events_of(stream: str) -> list[Any]:
    """The JSON of a stream's events; every line must be framed as server-sent events are."""
    assert stream.endswith("\n\n")
    events = []
    for block in stream.removesuffix("\n\n").split("\n\n"):
        if block.startswith(":"):
            continue
        assert block.startswith("data: ")
        assert "\n" not in block
        data = block.removeprefix("data: ")
        events.append(data if data == "[DONE]" else msgspec.json.decode(data))
    return events


@pytest.fixture
def sse() -> Callable[[str], list[Any]]:
    """Reads the body of a stream."""
    return events_of


@pytest.fixture
async def served(tmp_path: Path, shared_app: SharedApp) -> AsyncIterator[Served]:
    """The app without a server around it, whose model repeats what it is told; a stream arrives in one piece."""
    async with temporary_workbench(tmp_path / "home") as workbench:
        with shared_app.over(workbench) as shared:
            transport = httpx.ASGITransport(shared.app)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                yield Served(client, workbench, [], shared.streams)


@pytest.fixture
def library_serving(library_workbench: Any, shared_app: SharedApp) -> Serving:
    """`async with library_serving(make_engine, **settings) as served`: the app alone, which keeps semantic files."""

    @asynccontextmanager
    async def running(
        make_engine: Callable[[], ScriptedEngine] = ScriptedEngine, **settings: Any
    ) -> AsyncIterator[Served]:
        async with library_workbench(make_engine, **settings) as workbench:
            with shared_app.over(workbench) as shared:
                transport = httpx.ASGITransport(shared.app)  # type: ignore[arg-type]
                async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                    yield Served(client, workbench, [], shared.streams)

    return running


@pytest.fixture
async def library_served(library_serving: Serving) -> AsyncIterator[Served]:
    """The same with a model that repeats what it is told."""
    async with library_serving() as served:
        yield served
