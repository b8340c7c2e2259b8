"""mcp.json: which servers there are. One with a mistake is left out with a sentence; the others work on."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from jackfield.contracts.tools import Permission
from jackfield.errors import SettingsInvalid
from jackfield.settings_file import settings_path
from jackfield_plugins.mcp.expansion import expanded

TIMEOUT = 30.0
"""Seconds that a server may take to start, to list its tools, or for a call, unless its entry says otherwise."""

LONGEST_TIMEOUT = 3600

SERVER_KEYS = ("mcpServers", "servers")
"""Where files that people paste keep their servers; ours is the first."""

_COMMON_KEYS = ("type", "timeout", "permissions", "disabled")
_KEYS = {"stdio": ("command", "args", "env", "cwd"), "http": ("url", "headers")}
_TYPES = {"stdio": "stdio", "http": "http", "streamable-http": "http", "streamableHttp": "http"}
_APPROVING_KEYS = ("alwaysAllow", "autoApprove", "trust")


class StdioServer(msgspec.Struct, frozen=True, kw_only=True):
    """A program that speaks MCP over its standard input and output.

    Of this process's environment it sees what a shell needs (PATH, HOME and the like), and `env`.
    """

    name: str
    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    cwd: str | None = None
    timeout: float = TIMEOUT
    permissions: dict[str, Permission] = {}
    disabled: bool = False

    @property
    def place(self) -> str:
        """What it is, without what may be secret."""
        return self.command


class HttpServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server that speaks MCP's streamable HTTP."""

    name: str
    url: str
    headers: dict[str, str] = {}
    timeout: float = TIMEOUT
    permissions: dict[str, Permission] = {}
    disabled: bool = False

    @property
    def place(self) -> str:
        """Where it is, without what may be secret."""
        return self.url.partition("?")[0].rpartition("@")[2]


Server = StdioServer | HttpServer


class Configuration(msgspec.Struct, frozen=True):
    """The servers that can be used, and for each other its sentence."""

    servers: tuple[Server, ...] = ()
    faults: dict[str, str] = {}


def configuration_path() -> Path:
    """mcp.json beside the settings file."""
    return settings_path().with_name("mcp.json")


def read_configuration(path: Path) -> Configuration:
    """The servers of a file, none where there is no file; raises SettingsInvalid where it is no such file at all."""
    return configuration_of(read_entries(path))


def configuration_of(entries: Mapping[str, Any]) -> Configuration:
    """The servers that entries describe, `${NAME}` replaced from the environment."""
    servers: list[Server] = []
    faults: dict[str, str] = {}
    for name, entry in entries.items():
        try:
            servers.append(server_of(name, entry))
        except SettingsInvalid as error:
            faults[name] = error.message
    return Configuration(tuple(servers), faults)


def read_entries(path: Path) -> dict[str, Any]:
    """A file's entries as they stand there."""
    try:
        return entries_of(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise SettingsInvalid(f"{path} is not UTF-8 text ({error.reason}); mend it or move it away.") from error
    except OSError as error:
        raise SettingsInvalid(f"{path} cannot be read: {error.strerror}.") from error


def entries_of(text: str, origin: str) -> dict[str, Any]:
    """The entries in `{"mcpServers": {…}}`; raises SettingsInvalid naming the origin."""
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise SettingsInvalid(f"{origin} is not valid JSON ({error}).") from error
    shape = '{"mcpServers": {"name": {"command": …} or {"type": "http", "url": …}}}'
    key = next((key for key in SERVER_KEYS if isinstance(document, dict) and key in document), None)
    if key is None or not isinstance(document[key], dict):
        raise SettingsInvalid(f"{origin} names no MCP servers; it should look like {shape}.")
    entries: dict[str, Any] = document[key]
    return entries


def server_of(name: str, entry: Any, environment: Mapping[str, str] | None = None) -> Server:
    """One server; raises SettingsInvalid naming it and the first thing wrong with it."""
    try:
        if not isinstance(entry, dict):
            raise SettingsInvalid('its entry must be an object with a "command" or a "url".')
        _refuse_unknown(entry, (*_KEYS["stdio"], *_KEYS["http"], *_COMMON_KEYS))
        kind = _kind(entry)
        _refuse_unknown(entry, (*_KEYS[kind], *_COMMON_KEYS))
        fields = {key: value for key, value in entry.items() if key != "type"}
        fields = expanded(fields, os.environ if environment is None else environment)
        family: type[Server] = StdioServer if kind == "stdio" else HttpServer
        server = msgspec.convert({**fields, "name": name}, family)
        _check(server)
    except (SettingsInvalid, msgspec.ValidationError) as error:
        raise SettingsInvalid(f"MCP server '{name}': {_lower(str(error))}") from error
    return server


def _kind(entry: dict[str, Any]) -> str:
    named = entry.get("type")
    if named == "sse":
        raise SettingsInvalid(
            'the transport "sse" is no longer part of MCP and not spoken here; most such servers also take "http".'
        )
    if named is not None and not (isinstance(named, str) and named in _TYPES):
        raise SettingsInvalid(f'"type" is {named!r}; it must be "stdio" or "http".')
    if ("command" in entry) == ("url" in entry):
        raise SettingsInvalid('it needs either a "command" to run or a "url" to reach, and not both.')
    kind = "stdio" if "command" in entry else "http"
    if named is not None and _TYPES[named] != kind:
        raise SettingsInvalid(
            f'"type" is {named!r}, which does not go with "{"command" if kind == "stdio" else "url"}".'
        )
    return kind


def _refuse_unknown(entry: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in entry:
        if key in _APPROVING_KEYS:
            raise SettingsInvalid(
                f'"{key}" is another program\'s; here "permissions": {{"tool": "read"}} says what a tool may do.'
            )
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"it may have {', '.join(known)}."
            raise SettingsInvalid(f'"{key}" is unknown; {hint}')


def _check(server: Server) -> None:
    if not 0 < server.timeout <= LONGEST_TIMEOUT:
        raise SettingsInvalid(f'"timeout" is in seconds, more than 0 and at most {LONGEST_TIMEOUT}.')
    if isinstance(server, StdioServer):
        if not server.command.strip() or "\0" in server.command:
            raise SettingsInvalid('"command" is empty or not a program\'s name.')
    elif not server.url.startswith(("http://", "https://")):
        raise SettingsInvalid('"url" must begin with http:// or https://.')


def _lower(sentence: str) -> str:
    """msgspec's sentences begin with a capital and lack a full stop."""
    lowered = sentence[:1].lower() + sentence[1:]
    return lowered if lowered.endswith((".", "?")) else f"{lowered}."
