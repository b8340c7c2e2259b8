"""`jackfield mcp`: the servers whose tools models may call, and Jackfield's own tools for others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import IO, Any

import click

from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.errors import InvalidRequest
from jackfield_plugins.mcp.configuration import configuration_path, entries_of, read_configuration
from jackfield_plugins.mcp.configuration_file import add_entries, remove_entry

COLUMNS = ("NAME", "STATE", "TOOLS")


@click.group("mcp")
def group() -> None:
    """Add, list and remove MCP servers, and serve tools to MCP clients."""


@group.command("add")
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--url", help="The address of a server that is reached over streamable HTTP.")
@click.option("--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header for --url; may be repeated.")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="A variable that the program sees.")
@click.option("--timeout", type=float, help="Seconds for its start and for each call; 30 unless set.")
@click.option("--permission", "permissions", multiple=True, metavar="TOOL=PERMISSION", help="What a tool may do.")
@click.option("--replace", is_flag=True, help="Take the place of a server of that name.")
def add(
    name: str,
    command: tuple[str, ...],
    url: str | None,
    headers: tuple[str, ...],
    variables: tuple[str, ...],
    timeout: float | None,
    permissions: tuple[str, ...],
    replace: bool,
) -> None:
    """Add a server: a program that is run (`mcp add NAME -- PROGRAM ARGUMENTS…`), or an address (`--url`).

    Write secrets as ${NAME}: they are read from the environment when the server is used, and not stored.
    """
    entry = {
        **({"command": command[0], "args": list(command[1:])} if command else {}),
        **({"type": "http", "url": url} if url is not None else {}),
        "headers": _pairs("--header", headers, ":"),
        "env": _pairs("--env", variables, "="),
        "timeout": timeout,
        "permissions": _pairs("--permission", permissions, "="),
    }
    add_entries(configuration_path(), {name: {key: value for key, value in entry.items() if value}}, replace=replace)
    _say_kept(f"Added '{name}'")


@group.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--replace", is_flag=True, help="Take the places of servers of the same names.")
def import_file(file: IO[str], replace: bool) -> None:
    """Add the servers of a JSON file as other programs have it, `-` for what is pasted: {"mcpServers": {…}}."""
    entries = entries_of(file.read(), "What was given" if file.name == "<stdin>" else file.name)
    add_entries(configuration_path(), entries, replace=replace)
    _say_kept(f"Added {', '.join(repr(name) for name in entries) or 'none'}")


@group.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove a server."""
    remove_entry(configuration_path(), name)
    _say_kept(f"Removed '{name}'")


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the servers as JSON.")
def list_servers(as_json: bool) -> None:
    """Connect to every server, and list its tools or why there are none."""
    rows = asyncio.run(_surveyed())
    if as_json:
        print_json(rows)
        return
    print_table(COLUMNS, [(row["name"], row["state"], row["reason"] or _names(row["tools"])) for row in rows])
    if not rows:
        say("No MCP server is configured; `jackfield mcp add` adds one.")


@group.command("serve")
@pass_session
def serve(session: Session) -> None:
    """Serve Jackfield's tools to an MCP client over standard input and output.

    A client starts this itself, as {"command": "jackfield", "args": ["mcp", "serve"]}.
    """
    from jackfield.logs import configure_logs
    from jackfield_plugins.mcp.stdio_service import serve_stdio

    configure_logs(session.settings.log_level, session.settings.telemetry.log_format)
    asyncio.run(serve_stdio(session.settings, session.plugins))


async def _surveyed() -> list[dict[str, Any]]:
    """Each server with its state, and its tools or the reason."""
    from jackfield_plugins.mcp.source import McpToolSource

    path = configuration_path()
    source = McpToolSource(path)
    try:
        reports = await source.reports()
    finally:
        await source.close()
    rows = [
        {
            "name": report.name,
            "state": "connected" if report.fault is None else "failed",
            "tools": [
                {"name": tool.description.name, "permission": tool.description.permission} for tool in report.tools
            ],
            "reason": report.fault,
        }
        for report in reports
    ]
    disabled = [server.name for server in read_configuration(path).servers if server.disabled]
    return [*rows, *({"name": name, "state": "disabled", "tools": [], "reason": None} for name in disabled)]


def _names(tools: Sequence[dict[str, str]]) -> str:
    return ", ".join(f"{tool['name']} ({tool['permission']})" for tool in tools) or "none"


def _pairs(option: str, given: Sequence[str], mark: str) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, found, value = text.partition(mark)
        if not found or not name.strip():
            raise InvalidRequest(f"{option} takes NAME{mark}VALUE, not '{text}'.")
        pairs[name.strip()] = value.strip()
    return pairs


def _say_kept(done: str) -> None:
    say(f"{done} ({configuration_path()}); a server that runs takes it up when it is started anew.")
