"""Workbenches whose scripted model works for agents, with tools and the built-in protocols and guards."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jackfield.testing.tool_runs import tool_workbench
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls
from jackfield_plugins.guards import plugin as guards
from jackfield_plugins.tools import plugin as tools

PLUGINS = (("calls", function_calls), ("agents", agents), ("guards", guards))


@pytest.fixture
def open_workbench(tmp_path: Path) -> Any:
    """Opens a workbench around a function from the prompt to the model's answer, and scripted tools."""
    return partial(tool_workbench, tmp_path / "home", plugins=PLUGINS)


@pytest.fixture
def open_equipped_workbench(tmp_path: Path) -> Any:
    """The same with the built-in tools."""
    return partial(tool_workbench, tmp_path / "home", plugins=(*PLUGINS, ("tools", tools)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to grant."""
    granted = tmp_path / "granted"
    granted.mkdir()
    return granted
