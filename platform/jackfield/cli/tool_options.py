"""The flags of every command that lets a model call tools, and what they come to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from jackfield.cli.output import say
from jackfield.contracts.runs import ToolUse
from jackfield.contracts.tools import Permission, RunScope, ScopedTool, Tool
from jackfield.errors import InvalidRequest
from jackfield.tools.approval import Approval
from jackfield.workbench import Workbench

ALL = "all"
"""Stands for every tool that needs nobody's permission."""

GRANTABLE: tuple[Permission, ...] = tuple(each for each in get_args(Permission) if each != "read")


class ToolFlags(msgspec.Struct, frozen=True, kw_only=True):
    """Tools by name, and what calls may do unasked."""

    names: tuple[str, ...] = ()
    use: ToolUse = ToolUse()


def tool_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add `--tool` and the grants to a command, which receives them as `flags`."""
    named = click.option(
        "-t",
        "--tool",
        "names",
        multiple=True,
        metavar="NAME",
        help=f"A tool that the model may call; may be given again. `{ALL}`: every one that needs no permission.",
    )
    return named(grant_options(function))


def require_tools(flags: ToolFlags) -> None:
    """Raise InvalidRequest for grants that nothing is there to use."""
    if not flags.names and flags.use != ToolUse():
        raise InvalidRequest("--folder, --allow and --yes are for calls of tools; name some with --tool.")


def grant_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add what calls may do to a command, which receives it as `flags`."""

    @functools.wraps(function)
    def with_flags(
        *args: Any,
        folder: Path | None,
        allow: tuple[Permission, ...],
        yes: bool,
        names: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        use = ToolUse(
            allowed=tuple(dict.fromkeys(allow)),
            approval="grant" if yes else "ask",
            folder=str(_existing(folder)) if folder else None,
        )
        function(*args, flags=ToolFlags(names=tuple(dict.fromkeys(names)), use=use), **options)

    command: Callable[..., None] = with_flags
    for option in (
        click.option("--yes", is_flag=True, help="Permit every call; what a guard objects to still waits."),
        click.option(
            "--allow",
            multiple=True,
            type=click.Choice(GRANTABLE),
            help="Let calls do this unasked; may be given again.",
        ),
        click.option(
            "--folder", type=click.Path(path_type=Path), metavar="DIR", help="The folder that tools for files see."
        ),
    ):
        command = option(command)
    return command


async def chosen_tools(workbench: Workbench, flags: ToolFlags) -> ToolUse:
    """What a run may call; says which tools `all` leaves out for want of a grant. Raises ToolNotFound."""
    named = tuple(name for name in flags.names if name != ALL)
    await workbench.tool_catalog.chosen(named)
    everything = await _all_permitted(workbench, flags.use) if ALL in flags.names else ()
    return msgspec.structs.replace(flags.use, names=tuple(dict.fromkeys((*named, *everything))))


async def _all_permitted(workbench: Workbench, use: ToolUse) -> tuple[str, ...]:
    tools = await workbench.tool_catalog.all()
    for name, reason in workbench.tool_catalog.failures.items():
        say(f"'{name}' is left out: {reason}")
    approval = Approval(use, workbench.settings.tools.allow, ())
    permitted = {name: tool for name, tool in tools.items() if approval.permits(tool.description)}
    folder = Path(use.folder) if use.folder else None
    scope = RunScope(run_id="", folder=folder, library=partial(workbench.libraries.of_owner, None))
    lacking = [name for name, tool in permitted.items() if not _usable(tool, scope)]
    if lacking:
        say(f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} left out: no --folder is given.")
    return tuple(name for name in permitted if name not in lacking)


def _usable(tool: Tool, scope: RunScope) -> bool:
    """Whether a tool has the grants that it cannot do without."""
    try:
        if isinstance(tool, ScopedTool):
            tool.within(scope)
    except InvalidRequest:
        return False
    return True


def _existing(folder: Path) -> Path:
    """A folder's absolute path; raises InvalidRequest where it is none."""
    try:
        found = folder.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidRequest(
            f"--folder: '{folder}' cannot be used: {reason}; make it first, or name another.", parameter="folder"
        ) from error
    if not found.is_dir():
        raise InvalidRequest(f"--folder: '{folder}' is a file; give a folder.", parameter="folder")
    return found
