"""`jackfield tools`: what models can call here, and calling it oneself."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from jackfield.cli.approval_question import asked_decision
from jackfield.cli.call_lines import in_one_line
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.terminal_question import can_ask
from jackfield.cli.tool_options import ToolFlags, grant_options
from jackfield.cli.with_workbench import with_workbench
from jackfield.cli.written_arguments import written_arguments
from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.errors import CallDenied, ToolFailure
from jackfield.events import PendingCall
from jackfield.messages import Call
from jackfield.tools.approval import DOES, Approval
from jackfield.tools.arguments import checked_arguments
from jackfield.workbench import Workbench

COLUMNS = ("NAME", "MAY", "FROM", "SUMMARY")
SUMMARY = 160
"""Characters of a description's first line in a list."""


@click.group("tools")
def group() -> None:
    """List, show and call the tools that models can call."""


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the tools as JSON.")
@pass_session
def list_tools(session: Session, as_json: bool) -> None:
    """List every tool, of plugins and of servers, and say what cannot be had now."""

    async def listed(workbench: Workbench) -> tuple[list[dict[str, Any]], dict[str, str]]:
        tools = await workbench.tools()
        return [_as_object(workbench, tool) for tool in tools], dict(workbench.tool_catalog.failures)

    tools, failures = with_workbench(session, listed)
    if as_json:
        print_json({"tools": tools, "failures": failures})
        return
    print_table(COLUMNS, [_row(session, tool) for tool in tools])
    for name, reason in failures.items():
        say(f"{click.style(name, fg='red')}: {reason}")


@group.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the tool as JSON.")
@pass_session
def show_tool(session: Session, name: str, as_json: bool) -> None:
    """Show what one tool does, what it may do, and the schema of its arguments."""

    async def found(workbench: Workbench) -> dict[str, Any]:
        return _as_object(workbench, await _described(workbench, name))

    tool = with_workbench(session, found)
    if as_json:
        print_json(tool)
        return
    click.echo(f"{tool['name']} (from {tool['from']})\n{tool['description']}\n")
    click.echo(_may(tool))
    schema = msgspec.json.format(msgspec.json.encode(tool["parameters"]), indent=2).decode()
    click.echo(f"arguments:\n{schema}")


@group.command("call")
@click.argument("name")
@click.argument("written", nargs=-1, metavar="[JSON | KEY=VALUE...]")
@grant_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@pass_session
def call_tool(session: Session, name: str, written: tuple[str, ...], flags: ToolFlags, as_json: bool) -> None:
    """Call a tool, with its arguments as one JSON object, as KEY=VALUE, or as JSON piped in for -.

    A call that needs permission is asked about; where nobody can be, the exit code is 3.
    """
    result = with_workbench(session, lambda workbench: _called(workbench, name, written, flags))
    if as_json:
        print_json(result)
    elif not result.error:
        click.echo(result.text, nl=not result.text.endswith("\n"))
    if result.error:
        raise ToolFailure(result.text)


async def _called(workbench: Workbench, name: str, written: tuple[str, ...], flags: ToolFlags) -> ToolResult:
    tool = await _described(workbench, name)
    arguments = checked_arguments(tool, written_arguments(written, tool))
    use = flags.use
    if not Approval(use, workbench.settings.tools.allow, ()).permits(tool):
        await _require_approval(tool, arguments)
        use = msgspec.structs.replace(use, approval="grant")
    return await workbench.call_tool(name, arguments, use=use)


async def _require_approval(tool: ToolDescription, arguments: dict[str, Any]) -> None:
    """Raise CallDenied unless the person at the terminal approves."""
    does = DOES[tool.permission]
    if not can_ask():
        raise CallDenied(f"'{tool.name}' {does}, which nobody has permitted; --allow {tool.permission} does.")
    call = Call(identifier="", tool=tool.name, arguments=arguments)
    pending = PendingCall(call=call, reason=f"It {does}, which nobody has permitted yet.")
    decision = await asked_decision(pending, explained=False)
    if decision is None or not decision.approved:
        raise CallDenied(f"'{tool.name}' was not called.")


async def _described(workbench: Workbench, name: str) -> ToolDescription:
    return (await workbench.tool_catalog.chosen([name]))[name].description


def _as_object(workbench: Workbench, tool: ToolDescription) -> dict[str, Any]:
    described: dict[str, Any] = {
        field: getattr(tool, field) for field in tool.__struct_fields__ if field not in ("name", "estimate")
    }
    return {"name": tool.name, "from": workbench.tool_catalog.origins.get(tool.name), **described}


def _row(session: Session, tool: dict[str, Any]) -> tuple[str, str, str, str]:
    """A tool as a row under COLUMNS."""
    shelf = session.plugins.registry.tools
    summary = (shelf.summary(tool["name"]) if tool["name"] in shelf else "") or tool["description"].partition("\n")[0]
    return tool["name"], tool["permission"], str(tool["from"]), in_one_line(summary, SUMMARY)


def _may(tool: dict[str, Any]) -> str:
    again = f", tried again {tool['retries']} times" if tool["retries"] else ""
    lines = {
        "it": DOES[tool["permission"]],
        "time": f"{tool['timeout']:g} s at most{again}",
        "at once": str(tool["concurrency"]) if tool["concurrency"] else "any number",
        "result": f"{tool['result_limit']:,} characters at most",
    }
    return "\n".join(f"{key + ':':<11}{value}" for key, value in lines.items())
