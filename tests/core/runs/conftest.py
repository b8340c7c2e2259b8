"""Workbenches whose scripted model calls scripted tools through the built-in protocols, agents and guards."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jackfield.contracts.tools import Tool
from jackfield.testing.scripted_engine import continuing
from jackfield.testing.tool_runs import tool_workbench
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls
from jackfield_plugins.guards import plugin as guards


@pytest.fixture
def open_workbench(tmp_path: Path) -> Any:
    """Opens a workbench around a function from the prompt to the model's answer, and tools."""
    plugins = (("calls", function_calls), ("agents", agents), ("guards", guards))
    return partial(tool_workbench, tmp_path, plugins=plugins)


@pytest.fixture
def open_reading_workbench(open_workbench: Any) -> Any:
    """Opens one whose model begins all replies alike, and then says what a function makes of the reply so far.

    For as long as that is None, it waits at a trap.
    """

    def opened(begins: str, following: Callable[[str], str | None], trap: str, *tools: Tool) -> Any:
        def rest_of(reply: str) -> str:
            own = re.sub(r"\n\[INTR\] .*? \[END\]\n", "", reply, flags=re.DOTALL)
            if len(own) < len(begins):
                return begins[len(own) :]
            said = own[len(begins) :].replace(trap, "")
            half = next((length for length in range(len(trap) - 1, 0, -1) if said.endswith(trap[:length])), 0)
            answer = following(reply)
            return trap[half:] if half or answer is None else answer[len(said) :]

        return open_workbench(None, *tools, script=continuing(rest_of))

    return opened
