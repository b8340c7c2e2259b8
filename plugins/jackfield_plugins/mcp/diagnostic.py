"""What `jackfield doctor` says of the configured servers; it connects to none."""

from __future__ import annotations

import shutil

from jackfield.contracts.diagnostics import Finding
from jackfield.errors import SettingsInvalid
from jackfield_plugins.mcp.configuration import Server, StdioServer, configuration_path, read_configuration

CHECK = "jackfield mcp list"


class ServersConfigured:
    """Reads mcp.json."""

    def examine(self) -> tuple[Finding, ...]:
        """The servers in one finding, and one for each that cannot be used; none where none is configured."""
        path = configuration_path()
        try:
            found = read_configuration(path)
        except SettingsInvalid as error:
            return (_fault(error.message, "Mend the file, or move it away."),)
        faults = [_fault(fault, f"Mend it in {path}.") for fault in found.faults.values()]
        faults += [_absent(server) for server in found.servers if _is_absent(server)]
        usable = [server.name for server in found.servers if not server.disabled and not _is_absent(server)]
        listed = Finding(subject="MCP servers", health="ok", detail=f"{', '.join(usable)} (`{CHECK}` connects)")
        return (*([listed] if usable else []), *faults)


def _is_absent(server: Server) -> bool:
    return isinstance(server, StdioServer) and not server.disabled and shutil.which(server.command) is None


def _absent(server: Server) -> Finding:
    return _fault(
        f"MCP server '{server.name}': there is no program '{server.place}'.", "Install it, or give its whole path."
    )


def _fault(sentence: str, remedy: str) -> Finding:
    return Finding(subject="MCP servers", health="broken", detail=sentence, remedy=remedy, optional=True)
