"""Every registered tool keeps the contract's promises, and so does one made from a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield.contracts.tools import RunScope, ScopedTool, Tool
from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost
from jackfield.settings_variables import variable_name
from jackfield.testing.contract_suites.tool import ToolContract, ToolSample
from jackfield.testing.file_server import FileServer, ServedFile
from jackfield.tools import tool as made_tool


def built_in() -> PluginHost:
    """The platform's own plugins, nothing built yet."""
    return PluginHost(LoadPolicy(only=frozenset({BUILT_IN}))).load()


NAMES = built_in().registry.tools.names()
FOLDER_CALLS = {
    "list_files": ToolSample(arguments={}),
    "read_file": ToolSample(arguments={"path": "notes.txt"}),
    "search_files": ToolSample(arguments={"pattern": "tea"}),
    "write_file": ToolSample(arguments={"path": "new.txt", "content": "one\ntwo\n"}, stable=False),
    "edit_file": ToolSample(arguments={"path": "notes.txt", "old_text": "tea", "new_text": "tea"}, beside_itself=False),
}
CALLS = {
    "calculator": ToolSample(arguments={"expression": "6 * 7"}),
    "clock": ToolSample(arguments={"zone": "UTC"}, stable=False),
    "run_python": ToolSample(arguments={"code": "for number in range(3):\n    print(number)\n\nprint('é')\n6 * 7\n"}),
    **FOLDER_CALLS,
}


@pytest.fixture
def site() -> Iterator[str]:
    """A web page on this machine."""
    with FileServer() as server:
        server.files["/page.txt"] = ServedFile(content=b"A page.", content_type="text/plain; charset=utf-8")
        yield f"{server.url}/page.txt"


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """The name of each registered tool."""
    chosen: str = request.param
    return chosen


class TestRegisteredTools(ToolContract):
    """The suite, over all of them."""

    @pytest.fixture
    def tool(self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
        """As the platform builds it, within a folder that has a file."""
        monkeypatch.setenv(variable_name("tools", "private_addresses"), "true")
        monkeypatch.setenv(variable_name("tools", "unsandboxed_python"), "true")
        (tmp_path / "notes.txt").write_text("milk\ntea\n", encoding="utf-8")
        tool = built_in().registry.tools.get(name)
        return tool.within(RunScope(run_id="run", folder=tmp_path)) if isinstance(tool, ScopedTool) else tool

    @pytest.fixture
    def sample(self, name: str, request: pytest.FixtureRequest) -> ToolSample:
        """A call of it; a tool without one here is a tool that is not tested."""
        if name == "web_fetch":
            return ToolSample(arguments={"url": request.getfixturevalue("site")})
        return CALLS[name]


def sync_function(text: str, times: int = 1) -> str:
    """Repeat a text."""
    return text * times


async def async_function(text: str, times: int = 1) -> str:
    """Repeat a text."""
    return text * times


class TestToolsFromFunctions(ToolContract):
    """The suite, over what `tool` makes."""

    @pytest.fixture(params=[sync_function, async_function])
    def tool(self, request: pytest.FixtureRequest) -> Tool:
        """As a plugin's author makes it."""
        function: Callable[..., object] = request.param
        return made_tool(function)

    @pytest.fixture
    def sample(self) -> ToolSample:
        """A call of both."""
        return ToolSample(arguments={"text": "ab", "times": 2})
