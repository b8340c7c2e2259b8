"""The entry of `jackfield`: finds the subcommand, and turns errors into sentences and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module

import click

from jackfield.cli.output import OutputUnwritable, exit_code, guard_output, say
from jackfield.cli.session import Session
from jackfield.command_table import OWN_COMMANDS
from jackfield.errors import JackfieldError, SettingsInvalid
from jackfield.version import __version__


class CommandTable(click.Group):
    """Jackfield's own subcommands, and those that plugins offer."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our own in the order of a first day's use, then the plugins'."""
        return [*OWN_COMMANDS, *self._offered(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, imported now; plugins load only for a name that is not our own."""
        if own := OWN_COMMANDS.get(cmd_name):
            command: click.Command = getattr(import_module(own.module), own.attribute)
            return command
        commands = ctx.ensure_object(Session).plugins.registry.commands
        return commands.get(cmd_name) if cmd_name in commands else None

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
        rows = [(name, own.summary) for name, own in OWN_COMMANDS.items()]
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
        # A name of two words stands under the group that the first one names.
        return {name: commands.summary(name) for name in sorted(commands.names()) if " " not in name}


@click.group(cls=CommandTable, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jackfield")
def jackfield() -> None:
    """Jackfield runs low-bit language models on this machine, with plugins for everything around them."""
    from jackfield.logs import configure_logs  # slow to import, and help writes no logs

    configure_logs("warning")


def run() -> None:
    """Run the command line and exit: the one place where errors become exit codes."""
    guard_output()
    try:
        status = jackfield.main(prog_name="jackfield", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where it can still be told that it fails
    except JackfieldError as error:
        say(f"{_mark()} {error.message}")
        status = exit_code(error)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("")
        status = 130
    except BrokenPipeError:
        # The reader of our output left (`jackfield … | head`): nothing more can be said to it.
        _discard_output()
        status = 141
    except OutputUnwritable as error:
        say(f"{_mark()} The output cannot be written ({error.strerror}); what was to come is lost.")
        _discard_output()
        status = exit_code(JackfieldError(str(error)))
    except Exception as error:  # noqa: BLE001 - the boundary to the shell: reported, with an exit code
        status = _report_fault(error)
    sys.exit(status if isinstance(status, int) else 0)


def _discard_output() -> None:
    """Send what stdout still holds back nowhere, so that Python does not try to write it again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _report_fault(error: Exception) -> int:
    """Tell of an error that nobody expected; where it happened only to who asks for that."""
    if os.environ.get("JACKFIELD_LOG_LEVEL") == "debug":
        traceback.print_exception(error)
    else:
        say("Set JACKFIELD_LOG_LEVEL=debug and run it again to see where.")
    say(f"{_mark()} This is a fault of Jackfield or a plugin: {error!r}.")
    return 70


def _mark() -> str:
    return click.style("error:", fg="red", bold=True)
