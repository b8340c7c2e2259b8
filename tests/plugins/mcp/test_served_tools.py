"""Jackfield's tools for MCP clients: at /mcp of the real server, and from `jackfield mcp serve`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp_types import TextContent

from jackfield.contracts.doors import Listen
from jackfield.contracts.registration import Provided
from jackfield.contracts.tools import Permission, Tool, ToolDescription, ToolResult
from jackfield.errors import ToolFailure, Unavailable
from jackfield.hookspecs import hookimpl
from jackfield.testing.installation import Installation
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield_plugins.mcp import plugin as mcp_plugin
from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.app import create_app
from jackfield_web.server import StoppableServer
from jackfield_web.sockets import listening_socket

pytestmark = pytest.mark.slow

DICE = Path(__file__).parents[2] / "sample_plugin" / "good"
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "description": "what to say back"}},
    "required": ["text"],
    "additionalProperties": False,
}


class Echo:
    """Says a text back, or fails at some."""

    def __init__(self, permission: Permission) -> None:
        self.description = ToolDescription(
            name=f"echo_{permission}", description="Says it back.", parameters=SCHEMA, permission=permission
        )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The text."""
        if arguments["text"] == "fail":
            raise ToolFailure("There is no echo here.")
        if arguments["text"] == "break":
            raise ZeroDivisionError("secret detail")
        return ToolResult(text=arguments["text"])


class Echoes:
    """A tool of every permission."""

    @hookimpl
    def jackfield_tools(self) -> list[Provided[Tool]]:
        """Each by its name."""
        echoes = [Echo(permission) for permission in ("read", "write", "network", "execute")]
        return [Provided(echo.description.name, lambda echo=echo: echo) for echo in echoes]


@asynccontextmanager
async def served(folder: Path, **settings: Any) -> AsyncIterator[str]:
    """The address of a real server with echoes."""
    plugins = (("mcp", mcp_plugin), ("echoes", Echoes()))
    async with temporary_workbench(folder / "home", plugins=plugins, **settings) as workbench:
        streams, ready = OpenStreams(), asyncio.Event()
        app = create_app(lambda: nullcontext(workbench), open_streams=streams)
        with listening_socket(Listen(host="127.0.0.1", port=0)) as listener:
            server = StoppableServer(app, streams, on_ready=ready.set)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            await ready.wait()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.stop()
                await serving


@pytest.fixture(autouse=True)
def _no_servers_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKFIELD_SETTINGS", str(tmp_path / "jackfield.toml"))


def text_of(result: Any) -> str:
    """The one text that a result is."""
    [part] = result.content
    assert isinstance(part, TextContent)
    return part.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_lists_and_calls_over_http(tmp_path: Path, mode: str) -> None:
    async with served(tmp_path) as address, Client(f"{address}/mcp", mode=mode) as client:
        assert client.server_info is not None
        assert client.server_info.name == "jackfield"
        [tool] = (await client.list_tools()).tools
        assert (tool.name, tool.description, tool.input_schema) == ("echo_read", "Says it back.", SCHEMA)
        assert tool.annotations is not None
        assert (tool.annotations.read_only_hint, tool.annotations.open_world_hint) == (True, False)
        result = await client.call_tool("echo_read", {"text": "hello"})
        assert (text_of(result), result.is_error) == ("hello", False)


async def test_what_the_settings_allow_is_listed_with_its_annotations(tmp_path: Path) -> None:
    allow = {"allow": ("write", "execute")}
    async with served(tmp_path, tools=allow) as address, Client(f"{address}/mcp") as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert sorted(tools) == ["echo_execute", "echo_read", "echo_write"]
        promised = [tools[name].annotations.read_only_hint for name in sorted(tools)]
        assert promised == [False, True, False]
        assert text_of(await client.call_tool("echo_write", {"text": "note"})) == "note"


async def test_what_goes_wrong_is_told(tmp_path: Path) -> None:
    async with served(tmp_path) as address, Client(f"{address}/mcp") as client:
        for name, arguments, said in (
            ("echo_write", {"text": "x"}, "allow"),
            ("echo_read", {"text": "fail"}, "no echo here"),
            ("echo_read", {"words": "x"}, "text"),
            ("echo_read", {"text": "break"}, "echo_read"),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error, arguments
            assert said in text_of(result)
        with pytest.raises(MCPError, match="nonsense"):
            await client.call_tool("nonsense", {})


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
async def test_the_servers_guards_stand_before_it(tmp_path: Path, headers: dict[str, str]) -> None:
    async with served(tmp_path) as address, httpx.AsyncClient(base_url=address) as client:
        for path in ("/mcp", "/mcp/", "/mcp/more"):
            response = await client.post(path, headers=headers, json={})
            assert response.status_code == 403
            assert response.json()["error"]["code"] == "forbidden"


async def test_the_rest_of_the_server_is_as_it_was(tmp_path: Path) -> None:
    async with served(tmp_path) as address, httpx.AsyncClient(base_url=address) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/mcpx")).status_code == 404
        assert (await client.get("/mcp")).status_code == 405
        assert (await client.post("/mcp", json={"hello": "there"})).status_code in (400, 406)


async def test_a_server_does_not_ask_itself(tmp_path: Path, opening: Any) -> None:
    async with served(tmp_path) as address, opening(team={"url": f"{address}/mcp"}) as opened:
        with pytest.raises(Unavailable, match="is this very Jackfield"):
            await opened.tools()


async def test_our_client_reads_our_server(tmp_path: Path, opening: Any) -> None:
    parameters = parameters_of(Installation(tmp_path, DICE, plugins=("dice", "mcp")))
    entry = {"command": parameters.command, "args": parameters.args, "env": parameters.env, "timeout": 60}
    async with opening(team=entry) as opened:
        assert (await opened.tools())["team__roll_dice"].description.permission == "read"
        assert (await opened.call("team__roll_dice", sides=2)).text in ("1", "2")


def parameters_of(installation: Installation) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable, args=["-m", "jackfield", "mcp", "serve"], env=installation.environment
    )


async def test_a_client_lists_and_calls_over_standard_input(tmp_path: Path) -> None:
    installation = Installation(tmp_path, DICE, plugins=("dice", "mcp"))
    async with Client(parameters_of(installation)) as client:
        [tool] = (await client.list_tools()).tools
        result = await client.call_tool(tool.name, {"sides": 2})
        assert not result.is_error, result


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, None])
def test_it_ends_when_its_input_does_or_a_signal_comes(tmp_path: Path, number: signal.Signals | None) -> None:
    installation = Installation(tmp_path, DICE, plugins=("dice", "mcp"))
    with installation.started("mcp", "serve") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()
        assert b'"id":1' in process.stdout.readline()
        if number is None:
            process.stdin.close()
        else:
            process.send_signal(number)
        assert process.wait(20) == 0
        assert b"Traceback" not in (process.stderr.read() if process.stderr else b"")


def test_a_jackfield_that_serves_itself_does_not_start_without_end(tmp_path: Path) -> None:
    installation = Installation(tmp_path, DICE, plugins=("dice", "mcp"))
    environment = {name: value for name, value in installation.environment.items() if name.startswith("JACKFIELD")}
    added = installation.run(
        *("mcp", "add", "self", "--timeout", "20"),
        *(f"--env={name}={value}" for name, value in environment.items()),
        *(f"--env=PYTHONPATH={installation.environment['PYTHONPATH']}", "--"),
        *(sys.executable, "-m", "jackfield", "mcp", "serve"),
    )
    assert added.returncode == 0, added.stderr
    listed = installation.run("mcp", "list")
    assert "self__" in listed.stdout, listed.stderr
    assert "self__self" not in listed.stdout
