"""Dice: a tool for models, and `jackfield roll` for people."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jackfield.contracts.registration import Provided
from jackfield.contracts.tools import Tool, ToolDescription, ToolResult
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


class Dice:
    """Rolls one die; reads and changes nothing."""

    description = ToolDescription(
        name="roll_dice",
        description="Roll a die and give the number on top.",
        parameters={
            "type": "object",
            "properties": {"sides": {"type": "integer", "minimum": 2}},
            "required": ["sides"],
        },
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Roll once."""
        return ToolResult(text=str(rolled(int(arguments["sides"]))))


def rolled(sides: int) -> int:
    """A number from 1 to `sides`, each as likely."""
    return secrets.randbelow(sides) + 1


def roll_command() -> click.Command:
    """`jackfield roll [--sides N]`."""
    import click

    @click.command("roll")
    @click.option("--sides", default=6, show_default=True, type=click.IntRange(min=2))
    def roll(sides: int) -> None:
        """Roll a die."""
        click.echo(rolled(sides))

    return roll


@hookimpl
def jackfield_tools() -> list[Provided[Tool]]:
    """One tool; nothing is built before a run names it."""
    return [Provided("roll_dice", Dice, "rolls a die")]


@hookimpl
def jackfield_commands() -> list[Provided[click.Command]]:
    """One command."""
    return [Provided("roll", roll_command, "Roll a die")]
