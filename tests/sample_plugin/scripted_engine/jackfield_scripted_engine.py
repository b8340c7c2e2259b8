"""An engine that takes any file for a model and says back all that it was told, beside Jackfield's own store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.engine import EngineFactory

SECONDS_PER_TOKEN = 0.01
"""Slow enough to be stopped in mid-answer."""


class ScriptedEnginePlugin:
    """The plugin."""

    @hookimpl
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:
        """An engine that answers with every user message so far, in one line."""
        return [Provided("scripted", _engines)]


def _engines() -> EngineFactory:
    from jackfield.testing.scripted_engine import ScriptedEngine, Timing, answering
    from jackfield.testing.temporary_workbench import ScriptedFactory

    return ScriptedFactory(lambda: ScriptedEngine(answering(_said), timing=Timing(per_pass=SECONDS_PER_TOKEN)))


def _said(prompt: str) -> str:
    """Every user message; `endless` is answered with as much as the context holds."""
    turns = prompt.split("<|start|>user\n")[1:]
    said = [turn.partition("<|end|>")[0] for turn in turns]
    return "on and " * 100 if said[-1] == "endless" else " | ".join(said)


plugin = ScriptedEnginePlugin()
