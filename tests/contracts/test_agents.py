"""Every registered agent keeps the contract's promises, with a scripted model that knows its ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from jackfield.contracts.agents import Agent
from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost
from jackfield.testing.contract_suites.agent import AgentContract, Plugins, look_and_note
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import call
from jackfield_plugins.function_calls import plugin as function_calls
from jackfield_plugins.guards import plugin as guards

pytestmark = pytest.mark.slow

AGENTS = PluginHost(LoadPolicy(only=frozenset({BUILT_IN}))).load().registry.agents


def tool_loop(prompt: str) -> str:
    """Looks first, then looks and notes at once, as it had meant to, then answers."""
    if "<tools>" not in prompt:
        return "There is nothing to call."
    if "Before you begin: which calls" in prompt:
        return call("note", text="b")
    match prompt.count("<tool_response>"):
        case 0:
            return f"I look.\n{call('look', text='a')}"
        case 1:
            return call("look", text="c") + "\n" + call("note", text="b")
        case _:
            return "I looked at a, and noted b."


def plan_then_work(prompt: str) -> str:
    """Plans looks and a note, one of them from what another gave, and answers."""
    if "Make a plan" in prompt:
        calls = [("look", "a"), ("look", "c"), ("look", "after #E1"), ("note", "b"), ("LLM", "What of #E2 and #E4?")]
        steps = [_step(number, tool, text) for number, (tool, text) in enumerate(calls, 1)]
        return json.dumps({"steps": steps})
    return "Something." if "Answer the question briefly" in prompt else "I looked at a, and noted b."


def _step(number: int, tool: str, text: str) -> dict[str, Any]:
    arguments = {"question" if tool == "LLM" else "text": text}
    return {"step": f"#E{number}", "plan": "It helps.", "tool": tool, "arguments": arguments}


def stored_program(prompt: str) -> str:
    """Writes two files in two steps, the second of which fails its checks at first, and tests one of them."""
    if "Divide the user's task" in prompt:
        return json.dumps({"steps": [_instruction("test_a.py"), _instruction("b.json")]})
    answers = {
        "1.0": "FILE test_a.py\n```python\na = 1\n```\n",
        "2.0": "FILE b.json\n```\n{\n```\n",
        "2.1": 'FILE b.json\n```\n{"b": 1}\n```\nDONE\n',
    }
    step = "1" if "Step 1 of" in prompt else "2"
    return answers.get(f"{step}.{prompt.count('<|start|>assistant')}", "")


def _instruction(path: str) -> dict[str, Any]:
    return {"instruction": f"Write {path}.", "files": [path]}


REPLIES: dict[str, Callable[[str], str]] = {
    "tool-loop": tool_loop,
    "plan-then-work": plan_then_work,
    "stored-program": stored_program,
}


def program_tools() -> Sequence[ScriptedTool]:
    """What a stored program calls."""
    return (
        ScriptedTool(
            "write_file",
            lambda arguments: f"Wrote {arguments['path']}.",
            parameters={"path": "string", "content": "string"},
            permission="write",
        ),
        ScriptedTool("run_python", lambda arguments: "[ran]", parameters={"code": "string"}, permission="execute"),
    )


@pytest.mark.parametrize("name", AGENTS.names(), scope="class")
class TestRegisteredAgents(AgentContract):
    """The suite, over all of them."""

    @pytest.fixture
    def agent(self, name: str) -> Agent:
        """As the platform builds it."""
        return AGENTS.get(name)

    @pytest.fixture
    def reply(self, name: str) -> Callable[[str], str]:
        """The model that knows this agent."""
        if name not in REPLIES:
            pytest.fail(f"There is no scripted model for agent '{name}'; write one beside the others.")
        return REPLIES[name]

    @pytest.fixture
    def tools(self, name: str) -> Callable[[], Sequence[ScriptedTool]]:
        """Those that its model calls."""
        return program_tools if name == "stored-program" else look_and_note

    @pytest.fixture
    def plugins(self) -> Plugins:
        """The built-in protocols, and the guards that every run has."""
        return (("calls", function_calls), ("guards", guards))
