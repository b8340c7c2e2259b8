"""Semantic files for MCP clients: resources of whoever asks, and the tools over them."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import BlobResourceContents, TextResourceContents

from jackfield.contracts.doors import Listen
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.keys import KeyWish
from jackfield.identity.local_mode import LOCAL
from jackfield.testing.installation import Installation
from jackfield.workbench import Workbench
from jackfield_plugins.library_tools import plugin as library_tools
from jackfield_plugins.mcp import plugin as mcp_plugin
from jackfield_plugins.mcp.served_files import LARGEST, PAGE, ServedFiles
from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.app import create_app
from jackfield_web.server import StoppableServer
from jackfield_web.sockets import listening_socket

pytestmark = pytest.mark.slow

PLUGINS = (("mcp", mcp_plugin), ("library", library_tools))
TEA = "# Tea\n\nGreen tea is steeped at 80 degrees.\n"

Opening = Callable[..., AbstractAsyncContextManager[tuple[Workbench, str]]]


@pytest.fixture
def served(tmp_path: Path, library_workbench: Any, monkeypatch: pytest.MonkeyPatch) -> Opening:
    """A workbench and the address of a real server over it."""
    monkeypatch.setenv("JACKFIELD_SETTINGS", str(tmp_path / "jackfield.toml"))

    @asynccontextmanager
    async def running(**settings: Any) -> AsyncIterator[tuple[Workbench, str]]:
        async with library_workbench(plugins=PLUGINS, **settings) as workbench:
            streams, ready = OpenStreams(), asyncio.Event()
            app = create_app(lambda: nullcontext(workbench), open_streams=streams)
            with listening_socket(Listen(host="127.0.0.1", port=0)) as listener:
                server = StoppableServer(app, streams, on_ready=ready.set)
                serving = asyncio.create_task(server.serve(sockets=[listener]))
                await ready.wait()
                try:
                    yield workbench, f"http://127.0.0.1:{listener.getsockname()[1]}"
                finally:
                    server.stop()
                    await serving

    return running


async def keep(workbench: Workbench, files: dict[str, bytes], principal: Any = None) -> None:
    library = workbench.library(principal) if principal else workbench.library()
    collection = await library.opened(level="write")
    for path, content in files.items():
        await collection.write(path, _once(content))


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_lists_and_reads_files(served: Opening, mode: str) -> None:
    async with served() as (workbench, address), Client(f"{address}/mcp", mode=mode) as client:
        await keep(workbench, {"drinks/tea ü.md": TEA.encode(), "x.bin": b"\x00\xff"})
        resources = (await client.list_resources()).resources
        assert [resource.uri for resource in resources] == [
            "jackfield://main/drinks/tea%20%C3%BC.md",
            "jackfield://main/x.bin",
        ]
        assert (resources[0].name, resources[0].size) == ("drinks/tea ü.md", len(TEA))
        [text] = (await client.read_resource(resources[0].uri)).contents
        assert isinstance(text, TextResourceContents)
        assert (text.text, text.mime_type) == (TEA, "text/markdown")
        [blob] = (await client.read_resource(resources[1].uri)).contents
        assert isinstance(blob, BlobResourceContents)
        assert base64.b64decode(blob.blob) == b"\x00\xff"
        templates = (await client.list_resource_templates()).resource_templates
        assert "jackfield://{collection}/{+path}" in [template.uri_template for template in templates]


async def test_every_version_has_its_address(served: Opening) -> None:
    async with served() as (workbench, address), Client(f"{address}/mcp") as client:
        for content in (b"one", b"two"):
            await keep(workbench, {"a.txt": content})
        for uri, said in (("jackfield://main/a.txt", "two"), ("jackfield://main/a.txt?version=1", "one")):
            [text] = (await client.read_resource(uri)).contents
            assert isinstance(text, TextResourceContents)
            assert text.text == said


@pytest.mark.parametrize(
    "uri",
    [
        "jackfield://main/none.txt",
        "jackfield://main/a.txt?version=9",
        "jackfield://main/a.txt?version=x",
        "jackfield://main/a.txt?more=1",
        "jackfield://main/",
        "jackfield://nothing/a.txt",
        "jackfield://main/../a.txt",
        "file:///etc/passwd",
        "nonsense",
    ],
)
async def test_what_names_no_file_is_refused(served: Opening, uri: str) -> None:
    async with served() as (workbench, address), Client(f"{address}/mcp") as client:
        await keep(workbench, {"a.txt": b"one"})
        with pytest.raises(MCPError):
            await client.read_resource(uri)


async def test_many_files_are_listed_by_the_page(served: Opening) -> None:
    async with served() as (workbench, address), Client(f"{address}/mcp") as client:
        await keep(workbench, {f"{number:04}.txt": b"x" for number in range(PAGE + 5)})
        await workbench.library().add("zoo")
        zoo = await workbench.library().opened("zoo", "write")
        await zoo.write("ant.txt", _once(b"x"))
        first = await client.list_resources()
        second = await client.list_resources(cursor=first.next_cursor)
        names = [resource.name for resource in (*first.resources, *second.resources)]
        assert len(first.resources) == PAGE
        assert names == [*(f"{number:04}.txt" for number in range(PAGE + 5)), "ant.txt"]
        assert second.next_cursor is None
        with pytest.raises(MCPError, match="cursor"):
            await client.list_resources(cursor="nonsense")


async def test_the_tools_work_on_the_same_files(served: Opening) -> None:
    async with served() as (workbench, address), Client(f"{address}/mcp") as client:
        await keep(workbench, {"tea.md": TEA.encode()})
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert {"search_library", "read_document", "document_history"} <= tools
        assert "write_document" not in tools
        [found] = (await client.call_tool("search_library", {"question": "green tea steeped"})).content
        assert "main:tea.md, version 1" in found.text
        refused = await client.call_tool("write_document", {"path": "a", "content": "x"})
        assert refused.is_error


async def test_on_a_team_server_everybody_sees_their_own(served: Opening) -> None:
    identity = {"enabled": True, "password_memory_mb": 1}
    async with served(identity=identity) as (workbench, address):
        desk = workbench.identity
        assert desk is not None
        keys = {}
        for name in ("bo", "cy"):
            user = await desk.users.add(
                COMMAND_LINE, email=f"{name}@example.org", name=name, role="member", password=None
            )
            made = await desk.keys.make(COMMAND_LINE, user, KeyWish(name="mcp", scopes=("inference", "read")))
            keys[name] = made.secret
        await keep(workbench, {"tea.md": TEA.encode()}, await desk.principal_of_key(keys["bo"]))
        for name, seen in (("bo", ["tea.md"]), ("cy", [])):
            headers = {"authorization": f"Bearer {keys[name]}"}
            async with (
                httpx.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
            ):
                assert [resource.name for resource in (await client.list_resources()).resources] == seen
                [found] = (await client.call_tool("search_library", {"question": "green tea steeped"})).content
                assert ("tea.md" in found.text) == bool(seen)


async def test_a_client_reads_files_over_standard_input(tmp_path: Path) -> None:
    installation = Installation(tmp_path, plugins=("mcp", "library-tools"))
    (tmp_path / "tea.md").write_text(TEA)
    added = installation.run("files", "add", str(tmp_path / "tea.md"))
    assert added.returncode == 0, added.stderr
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "jackfield", "mcp", "serve"], env=installation.environment
    )
    async with Client(parameters) as client:
        [resource] = (await client.list_resources()).resources
        [text] = (await client.read_resource(resource.uri)).contents
        assert isinstance(text, TextResourceContents)
        assert text.text == TEA


async def test_what_is_too_large_for_one_message_is_refused(library_workbench: Any) -> None:
    async with library_workbench() as workbench:
        await keep(workbench, {"a.txt": b"x" * (LARGEST + 1)})
        with pytest.raises(MCPError, match="read_document"):
            await ServedFiles(workbench.library).read(LOCAL, "jackfield://main/a.txt")
