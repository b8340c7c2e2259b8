"""The flags of commands whose answers may recall what is remembered, and what is said of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
import msgspec

from jackfield.cli.call_lines import in_one_line
from jackfield.cli.output import say
from jackfield.contracts.memory import Asker
from jackfield.contracts.runs import RunRequest
from jackfield.settings import Settings

if TYPE_CHECKING:
    from jackfield.workbench import Workbench

SHOWN = 100
"""Characters of a fact that are shown."""


class MemoryFlags(msgspec.Struct, frozen=True):
    """Whether memory is on, None for what the settings say, and a kept text to begin with."""

    on: bool | None = None
    begins_with: str | None = None

    def remembers(self, settings: Settings) -> bool:
        """Whether memory is on for this command."""
        return settings.memory.enabled if self.on is None else self.on


def memory_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add `--memory` and `--begin-with` to a command, which receives them as `memory`."""

    @functools.wraps(function)
    def with_memory(*args: Any, remembers: bool | None, begins_with: str | None, **options: Any) -> None:
        function(*args, memory=MemoryFlags(remembers, begins_with), **options)

    command: Callable[..., None] = with_memory
    for option in (
        click.option(
            "--begin-with",
            "begins_with",
            metavar="MEMORY",
            help="A text that `jackfield memory keep` keeps, to begin with.",
        ),
        click.option(
            "--memory/--no-memory",
            "remembers",
            default=None,
            help="Remember what you say of yourself, and recall what bears on a question; else as the settings say.",
        ),
    ):
        command = option(command)
    return command


async def with_memory(workbench: Workbench, request: RunRequest, flags: MemoryFlags) -> RunRequest:
    """The request as the flags have it; raises MemoryNotFound or InvalidRequest for a text that cannot begin it."""
    if flags.begins_with:
        from jackfield.memory.kept_prefix import begun_with

        unit = await workbench.semantic.memory.get(flags.begins_with, asker=Asker())
        request = begun_with(request, unit)
    return msgspec.structs.replace(request, memory=flags.remembers(workbench.settings))


def tell_remembered(workbench: Workbench) -> None:
    """Say what was newly remembered, on stderr, so that nothing is kept unseen."""
    for unit in workbench.taker.newly_kept():
        say(f"(remembered: {in_one_line(unit.text, SHOWN)})")
