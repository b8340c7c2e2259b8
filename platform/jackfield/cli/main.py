"""The entry of `jackfield`: finds the subcommand, and turns errors into sentences and exit codes."""

from __future__ import annotations

import os
import sys
import traceback

import click

from jackfield.cli.lazy_group import LazyGroup
from jackfield.cli.output import OutputUnwritable, exit_code, guard_output, say
from jackfield.command_table import OWN_COMMANDS
from jackfield.errors import JackfieldError
from jackfield.version import __version__


@click.group(cls=LazyGroup, table=OWN_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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
