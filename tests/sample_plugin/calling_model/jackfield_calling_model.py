"""An engine that does as it is told: each step of the task is an answer, in which `@tool {…}` becomes a call.

Steps stand between `;;`, and `RESULT` is what the last call gave.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.engine import EngineFactory
    from jackfield.contracts.tools import Tool

TURN = re.compile(r"<\|start\|>(\w+)\n(.*?)<\|end\|>", re.DOTALL)
RESULT = re.compile(r"<tool_response>\n(.*?)\n</tool_response>", re.DOTALL)
CALL = re.compile(r"@(\w+) (\{.*?\})(?=\s|$)", re.DOTALL)
PLAN = "Before you begin: which calls"


class CallingModel:
    """The plugin."""

    @hookimpl
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:
        """The engine."""
        return [Provided("scripted", _engines)]

    @hookimpl
    def jackfield_tools(self) -> list[Provided[Tool]]:
        """One that reaches for text from outside, and one that takes its time."""
        return [
            Provided("fetch", lambda: _tool("fetch", permission="network", provenance="remote"), "fetches a text"),
            Provided("nap", lambda: _tool("nap", seconds=40.0, timeout=50.0), "takes its time"),
        ]


def _engines() -> EngineFactory:
    from jackfield.testing.scripted_engine import ScriptedEngine, Timing, answering
    from jackfield.testing.temporary_workbench import ScriptedFactory
    from jackfield.testing.tool_runs import ROOMY

    timing = Timing(per_pass=0.001)
    return ScriptedFactory(lambda: ScriptedEngine(answering(_answer), timing=timing, limits=ROOMY))


def _tool(name: str, **described: Any) -> Tool:
    from jackfield.testing.scripted_tools import ScriptedTool

    def same(arguments: Mapping[str, Any]) -> str:
        return str(arguments["text"])

    return ScriptedTool(name, same, **described)


def _answer(prompt: str) -> str:
    turns = TURN.findall(prompt)
    asked = [at for at, (role, text) in enumerate(turns) if role == "user" and "<tool_response>" not in text]
    task = turns[asked[-1]][1]
    if task.startswith(PLAN):
        return "Nothing."
    steps = task.rpartition("\n\n")[2].split(";;")
    answered = sum(role == "assistant" for role, _ in turns[asked[-1] :])
    results = RESULT.findall(prompt)
    step = steps[min(answered, len(steps) - 1)].strip().replace("RESULT", results[-1] if results else "nothing")
    return CALL.sub(_call, step)


def _call(written: re.Match[str]) -> str:
    call = {"name": written[1], "arguments": json.loads(written[2])}
    return f"<tool_call>\n{json.dumps(call)}\n</tool_call>"


plugin = CallingModel()
