"""Taking the port before anything slow begins, so that a port in use is known at once."""

from __future__ import annotations

import errno
import socket

from jackfield.contracts.doors import Listen
from jackfield.errors import PortInUse, SettingsInvalid

BACKLOG = 2048


def listening_socket(listen: Listen) -> socket.socket:
    """A socket that accepts connections into its backlog; raises PortInUse, or SettingsInvalid for a bad host."""
    family, address = _address(listen)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _refusal(error, listen) from error
    return listener


def _address(listen: Listen) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    """What a host name stands for; IPv4 first, because that is what `localhost` means to most clients."""
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _refusal(error, listen) from error
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _refusal(error: OSError, listen: Listen) -> PortInUse | SettingsInvalid:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"Port {listen.port} of {listen.host} is in use by another program: "
            "stop that program, or choose another port with `--port`."
        )
    if error.errno == errno.EACCES:
        return SettingsInvalid(
            f"Port {listen.port} needs more rights than this user has; choose one from 1024 up with `--port`."
        )
    return SettingsInvalid(
        f"'{listen.host}' is no address of this machine ({error.strerror}); choose another with `--host`."
    )
