"""Registers the agents, each imported when a run first names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.agents import Agent


@hookimpl
def jackfield_agents() -> list[Provided[Agent]]:
    """The loop that every run with tools takes where it names no other, and those that plan."""
    return [
        Provided("tool-loop", _tool_loop, "answers, calls tools, reads what they gave, and answers again"),
        Provided("plan-then-work", _plan_then_work, "plans all calls, makes them side by side, and answers once"),
        Provided("stored-program", _stored_program, "plans files, and writes and checks them step by step"),
    ]


def _tool_loop() -> Agent:
    from jackfield_plugins.agents.tool_loop import ToolLoop

    return ToolLoop()


def _plan_then_work() -> Agent:
    from jackfield_plugins.agents.plan_then_work.agent import PlanThenWork

    return PlanThenWork()


def _stored_program() -> Agent:
    from jackfield_plugins.agents.stored_program.agent import StoredProgram

    return StoredProgram()
