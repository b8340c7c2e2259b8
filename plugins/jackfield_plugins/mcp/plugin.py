"""Registers MCP, both ways. The SDK is imported when a server is first spoken to or first asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from jackfield.contracts.diagnostics import Diagnostic
    from jackfield.contracts.mounts import Mount
    from jackfield.contracts.tools import ToolSource


@hookimpl
def jackfield_tool_sources() -> list[Provided[ToolSource]]:
    """The tools of every configured server."""
    return [Provided("mcp", _source, "tools of the MCP servers in mcp.json")]


@hookimpl
def jackfield_mounts() -> list[Provided[Mount]]:
    """Jackfield as an MCP server."""
    return [Provided("mcp", _mount, "Jackfield's tools for MCP clients, at /mcp")]


@hookimpl
def jackfield_commands() -> list[Provided[click.Command]]:
    """`jackfield mcp`."""
    return [Provided("mcp", _commands, "Add, list and remove MCP servers, and serve tools to MCP clients.")]


@hookimpl
def jackfield_diagnostics() -> list[Provided[Diagnostic]]:
    """Whether mcp.json can be read."""
    return [Provided("mcp", _diagnostic, "the configured MCP servers")]


def _source() -> ToolSource:
    from jackfield_plugins.mcp.source import McpToolSource

    return McpToolSource()


def _mount() -> Mount:
    from jackfield_plugins.mcp.mount import McpMount

    return McpMount()


def _commands() -> click.Command:
    from jackfield_plugins.mcp.commands import group

    return group


def _diagnostic() -> Diagnostic:
    from jackfield_plugins.mcp.diagnostic import ServersConfigured

    return ServersConfigured()
