"""Every registered tool keeps the contract's promises, and so does one made from a function."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

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
LIBRARY_CALLS = {
    "search_library": ToolSample(arguments={"question": "tea"}),
    "list_collections": ToolSample(arguments={}),
    "list_documents": ToolSample(arguments={}),
    "read_document": ToolSample(arguments={"path": "notes.txt"}),
    "document_history": ToolSample(arguments={"path": "notes.txt"}),
    "compare_document": ToolSample(arguments={"path": "notes.txt"}),
    "write_document": ToolSample(arguments={"path": "new.txt", "content": "one\ntwo\n"}, stable=False),
    "rename_document": ToolSample(
        arguments={"path": "notes.txt", "new_path": "notes.txt"}, stable=False, beside_itself=False
    ),
    "delete_document": ToolSample(arguments={"path": "notes.txt"}, stable=False, beside_itself=False),
    "restore_document": ToolSample(arguments={"path": "notes.txt", "version": 1}, stable=False),
}
CALLS = {
    "calculator": ToolSample(arguments={"expression": "6 * 7"}),
    "clock": ToolSample(arguments={"zone": "UTC"}, stable=False),
    "run_python": ToolSample(arguments={"code": "for number in range(3):\n    print(number)\n\nprint('é')\n6 * 7\n"}),
    **FOLDER_CALLS,
    **LIBRARY_CALLS,
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
    async def tool(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library_workbench: Any
    ) -> AsyncIterator[Tool]:
        """As the platform builds it, within a folder and a library that have a file."""
        monkeypatch.setenv(variable_name("tools", "private_addresses"), "true")
        monkeypatch.setenv(variable_name("tools", "unsandboxed_python"), "true")
        (tmp_path / "notes.txt").write_text("milk\ntea\n", encoding="utf-8")
        tool = built_in().registry.tools.get(name)
        if not isinstance(tool, ScopedTool):
            yield tool
        elif name not in LIBRARY_CALLS:
            yield tool.within(RunScope(run_id="run", folder=tmp_path))
        else:
            async with library_workbench() as workbench:
                collection = await workbench.library().opened(level="write")
                for text in (b"milk\n", b"milk\ntea\n"):
                    await collection.write("notes.txt", _once(text))
                library = partial(workbench.libraries.of_owner, None)
                yield tool.within(RunScope(run_id="run", library=library))

    @pytest.fixture
    def sample(self, name: str, request: pytest.FixtureRequest) -> ToolSample:
        """A call of it; a tool without one here is a tool that is not tested."""
        if name == "web_fetch":
            return ToolSample(arguments={"url": request.getfixturevalue("site")})
        return CALLS[name]


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


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
