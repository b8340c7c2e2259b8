"""A group of subcommands that are imported when they are typed, and that plugins may add to."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from jackfield.cli.output import say
from jackfield.cli.session import Session
from jackfield.command_table import OwnCommand
from jackfield.errors import SettingsInvalid


class LazyGroup(click.Group):
    """Subcommands from a table, and those that plugins offer under names that begin with `prefix`."""

    def __init__(self, *args: Any, table: Mapping[str, OwnCommand], prefix: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self._table = table
        self._prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our own in the table's order, then the plugins'."""
        return [*self._table, *self._offered(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, imported now; plugins load only for a name that is not our own."""
        if own := self._table.get(cmd_name):
            command: click.Command = getattr(import_module(own.module), own.attribute)
            return command
        commands = ctx.ensure_object(Session).plugins.registry.commands
        name = self._prefix + cmd_name
        return commands.get(name) if name in commands else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a name that is nearly right."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean '{near[0]}'?" if near and "did you mean" not in error.message.lower() else ""
            raise click.UsageError(error.message + hint, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line a subcommand, from the table and the registrations."""
        rows = [(name, own.summary) for name, own in self._table.items()]
        rows += self._offered(ctx).items()
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _offered(self, ctx: click.Context) -> dict[str, str]:
        """The plugins' subcommands and their lines; none, with a warning, where the settings cannot be read."""
        try:
            commands = ctx.ensure_object(Session).plugins.registry.commands
        except SettingsInvalid as error:
            say(f"{click.style('warning:', fg='yellow', bold=True)} Plugins' commands are left out: {error.message}")
            return {}
        names = [name.removeprefix(self._prefix) for name in commands.names() if name.startswith(self._prefix)]
        # A name of two words stands under the group that the first one names.
        return {name: commands.summary(self._prefix + name) for name in sorted(names) if " " not in name}
