"""Changing mcp.json: what stands in it otherwise stays, and a crash leaves the old file whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from jackfield.errors import NameTaken, NotFound, StateUnavailable
from jackfield_plugins.mcp.configuration import SERVER_KEYS, read_entries, server_of

OWNER_ONLY = 0o600
"""Entries hold keys."""


def add_entries(path: Path, entries: Mapping[str, Any], *, replace: bool = False) -> None:
    """Put servers into a file: all, or none where one makes no sense (SettingsInvalid) or has a name taken (NameTaken).

    A variable that is not set here may be set where the servers are used, so it is no fault.
    """
    present = read_entries(path)
    for name, entry in entries.items():
        server_of(name, entry, _AnyVariable())
        if name in present and not replace:
            raise NameTaken(f"MCP server '{name}' is configured already; `--replace` puts this one in its place.")
    _write(path, {**present, **entries})


def remove_entry(path: Path, name: str) -> None:
    """Take a server out of a file; raises NotFound."""
    entries = read_entries(path)
    if name not in entries:
        raise NotFound(f"No MCP server '{name}' is configured (configured: {', '.join(entries) or 'none'}).")
    del entries[name]
    _write(path, entries)


def _write(path: Path, entries: dict[str, Any]) -> None:
    try:
        document = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
        key = next((key for key in SERVER_KEYS if key in document), SERVER_KEYS[0])
        document[key] = entries
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(path.name + ".new")
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        scratch.replace(path)
    except OSError as error:
        raise StateUnavailable(f"{path} cannot be written: {error.strerror}.") from error


class _AnyVariable(dict[str, str]):
    """An environment in which every variable is set."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"http://{name}"
