"""A process that carries out one stored program over SQLite, and says a byte for all that it does.

    program_run.py HOME FOLDER [RUN]

The run's name is on the first line; from then on a dot is written for each pass of the model and each event, so that
whoever reads along can kill the process at any moment. Each call that a tool begins is a line in HOME/calls.log.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jackfield import builtin
from jackfield.contracts.engine import EngineFactory
from jackfield.contracts.registration import Provided
from jackfield.contracts.runs import RunRequest, ToolUse
from jackfield.contracts.tools import Tool, ToolResult
from jackfield.hookspecs import hookimpl
from jackfield.messages import Message
from jackfield.plugin_host import PluginHost
from jackfield.settings import load_settings
from jackfield.testing.scripted_engine import ScriptedEngine, answering
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.temporary_workbench import ScriptedFactory
from jackfield.testing.tool_runs import ROOMY
from jackfield.wiring import open_workbench
from jackfield_migrations import plugin as migrations
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls
from jackfield_plugins.guards import plugin as guards
from jackfield_plugins.tools.file_writing import WriteFile
from jackfield_plugins.tools.folder import GrantedFolder
from jackfield_storage import plugin as storage

STEPS: list[dict[str, Any]] = [
    {"instruction": "Write the numbers.", "files": ["numbers.py"]},
    {"instruction": "Add them up, with numbers.py.", "files": ["adding.py"]},
    {"instruction": "Say so, in JSON and in words.", "files": ["result.json", "docs/result.md"]},
    {"instruction": "Test adding.py.", "files": ["test_adding.py"]},
]
ANSWERS = {
    "1.0": {"numbers.py": "def numbers(:"},
    "1.1": {"numbers.py": "def numbers():\n    return [1, 2, 3]"},
    "2.0": {"adding.py": "from numbers import numbers\n\ndef total():\n    return sum(numbers()) + 1"},
    "3.0": {"result.json": '{"total": 6}'},
    "3.1": {"docs/result.md": "# The total\n\n```python\nprint(6)\n```\n"},
    "4.0": {"test_adding.py": "from adding import total\n\ndef test_total():\n    assert total() == 6"},
    "4.1": {"adding.py": "from numbers import numbers\n\ndef total():\n    return sum(numbers())"},
}
LOG = "calls.log"


def tick() -> None:
    """Something was done."""
    os.write(1, b".")


def reply(prompt: str) -> str:
    """The plan, and then each step's files; a step's answer is told by how many came before it.

    Drafts of the decode loop may run on past an answer's end, where there is nothing to say.
    """
    if "Divide the user's task" in prompt:
        return json.dumps({"steps": STEPS})
    number = prompt.partition("\nStep ")[2] or prompt.partition("Step ")[2]
    files = ANSWERS.get(f"{number[0]}.{prompt.count('<|start|>assistant')}", {})
    return "".join(f"FILE {path}\n```python\n{content}\n```\n" for path, content in files.items())


class TickingEngine(ScriptedEngine):
    """Tells of every pass."""

    def evaluate(self, batch: Any) -> None:
        tick()
        super().evaluate(batch)


class Logged:
    """Notes calls in a file as they begin."""

    log: Path

    @classmethod
    def note(cls, tool: str, arguments: Mapping[str, Any]) -> None:
        """Add a line."""
        content = json.dumps([tool, arguments], sort_keys=True)
        with cls.log.open("a", encoding="utf-8") as file:
            file.write(f"{tool} {hashlib.sha256(content.encode()).hexdigest()}\n")
        tick()


class LoggedWriteFile(WriteFile):
    """The real one."""

    def result(self, folder: GrantedFolder, arguments: Mapping[str, Any]) -> ToolResult:
        Logged.note("write_file", arguments)
        result = super().result(folder, arguments)
        tick()
        return result


def run_python(arguments: Mapping[str, Any]) -> str:
    """Fails as long as the files are wrong."""
    Logged.note("run_python", arguments)
    if "+ 1" in arguments["code"]:
        raise AssertionError("7 is not 6")
    return "[ran]"


class Plugin:
    """The scripted model and the logged tools."""

    @hookimpl
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:
        """The model that writes the program."""
        return [Provided("scripted", lambda: ScriptedFactory(lambda: TickingEngine(answering(reply), limits=ROOMY)))]

    @hookimpl
    def jackfield_tools(self) -> list[Provided[Tool]]:
        """Those that the program needs."""
        runner = ScriptedTool("run_python", run_python, parameters={"code": "string"}, permission="execute")
        return [Provided("write_file", LoggedWriteFile), Provided("run_python", lambda: runner)]


PLUGINS = (
    ("platform", builtin),
    ("storage", storage),
    ("migrations", migrations),
    ("agents", agents),
    ("calls", function_calls),
    ("guards", guards),
    ("writer", Plugin()),
)


async def main(home: Path, folder: Path, run_id: str | None) -> None:
    """Begin the run, or go on with it, up to its end."""
    Logged.log = home / LOG
    host = PluginHost(entries=[])
    for name, plugin in PLUGINS:
        host.register(plugin, name)
    async with open_workbench(load_settings(home=home), host) as workbench:
        if run_id is None:
            use = ToolUse(names=("write_file", "run_python"), approval="grant", folder=str(folder), protocol="native")
            task = (Message.of("user", "Add up the numbers."),)
            run_id = (await workbench.start(RunRequest(model="", messages=task, tools=use, agent="stored-program"))).id
        elif (await workbench.run(run_id)).state == "paused":
            await workbench.resume(run_id)
        os.write(1, f"{run_id}\n".encode())
        async for _ in workbench.watch(run_id):
            tick()


def arguments(words: Sequence[str]) -> tuple[Path, Path, str | None]:
    """The home, the folder, and the run if it is there already."""
    home, folder, *run = words
    return Path(home), Path(folder), run[0] if run else None


if __name__ == "__main__":
    asyncio.run(main(*arguments(sys.argv[1:])))
