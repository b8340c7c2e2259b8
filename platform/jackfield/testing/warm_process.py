"""Commands in processes that are forked from one that has imported what commands need: a quarter of the work.

Each is a process of its own, with its own environment, folder and streams; only the interpreter's start is shared. It
is for tests of what commands do. What starting does is tried by those that start an interpreter.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import msgspec

from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost

IMPORTED = ("jackfield.cli.with_workbench", "jackfield.logs", "jackfield.wiring")
"""Beside the stores, which are imported with their factories."""
ENCODING = {"PYTHONIOENCODING": "utf-8:strict"}
_NUMBER = struct.Struct("<i")


class Request(msgspec.Struct, frozen=True):
    """What a process is to become."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str


class WarmProcess:
    """The process that others are forked from, one at a time; it ends with the process that made it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        left_out = ("JACKFIELD_", "PYTHONPATH")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        command = [sys.executable, "-m", __name__, str(theirs.fileno())]
        self._process = subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()])  # noqa: S603 - ourselves
        theirs.close()
        self._one_at_a_time = threading.Lock()

    def run(self, request: Request, typed: bytes, stdout: int, stderr: int, timeout: float) -> int:
        """A command's exit status, `typed` piped in; raises TimeoutExpired, and kills it, if it takes too long."""
        stdin, typing = os.pipe()
        with self._one_at_a_time:
            message = msgspec.json.encode(request)
            socket.send_fds(self._socket, [_NUMBER.pack(len(message))], [stdin, stdout, stderr])
            os.close(stdin)
            self._socket.sendall(message)
            writer = threading.Thread(target=_written, args=(typing, typed))
            writer.start()
            process = _number(self._socket)
            try:
                self._socket.settimeout(timeout)
                return _number(self._socket)
            except BaseException as error:
                self._socket.settimeout(None)
                os.kill(process, signal.SIGKILL)
                _number(self._socket)
                if isinstance(error, TimeoutError):
                    raise subprocess.TimeoutExpired(request.arguments, timeout) from None
                raise
            finally:
                self._socket.settimeout(None)
                writer.join()

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._process.wait()


_kept: list[WarmProcess] = []


def run_warm(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    typed: bytes = b"",
    stdout: IO[bytes] | int = subprocess.PIPE,
    timeout: float = 60,
) -> subprocess.CompletedProcess[bytes]:
    """What `subprocess.run` gives of a `jackfield` command, whose streams are in UTF-8.

    Where nothing can be forked, or the environment is of consequence to the interpreter's start, that is what runs it.
    """
    environment = {**environment, **ENCODING}
    if not hasattr(os, "fork") or _matters_at_start(environment):
        return subprocess.run(  # noqa: S603 - our own command, with what a test says
            [sys.executable, "-m", "jackfield", *arguments],
            input=typed,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=timeout,
            check=False,
        )
    if not _kept:
        _kept.append(WarmProcess())
        atexit.register(_kept[0].close)
    request = Request(list(arguments), dict(environment), str(Path.cwd()))
    with TemporaryFile() as out, TemporaryFile() as err:
        goes_to = out.fileno() if stdout == subprocess.PIPE else stdout if isinstance(stdout, int) else stdout.fileno()
        code = _kept[0].run(request, typed, goes_to, err.fileno(), timeout)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out.read(), err.read())


def _matters_at_start(environment: Mapping[str, str]) -> bool:
    taken_over = {"PYTHONPATH", *ENCODING}
    return any(
        os.environ.get(name) != value
        for name, value in environment.items()
        if name.startswith(("PYTHON", "LC_", "LANG", "TZ")) and name not in taken_over
    )


def _written(descriptor: int, typed: bytes) -> None:
    try:
        with open(descriptor, "wb") as pipe:
            pipe.write(typed)
    except BrokenPipeError:
        pass  # a command need not read what it is given


def _number(connection: socket.socket) -> int:
    (number,) = _NUMBER.unpack(_exactly(connection, _NUMBER.size))
    return int(number)


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise EOFError
        received += piece
    return received


def _serve(connection: socket.socket) -> None:
    """Fork a process for each request; returns in those, and ends with the connection."""
    while True:
        head, descriptors, _, _ = socket.recv_fds(connection, _NUMBER.size, 3)
        if not head:
            os._exit(0)
        head += _exactly(connection, _NUMBER.size - len(head))
        request = msgspec.json.decode(_exactly(connection, _NUMBER.unpack(head)[0]), type=Request)
        process = os.fork()
        if process == 0:
            connection.close()
            _become(request, descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(_NUMBER.pack(process))
        _, status = os.waitpid(process, 0)
        connection.sendall(_NUMBER.pack(os.waitstatus_to_exitcode(status)))


def _become(request: Request, descriptors: Sequence[int]) -> None:
    """Take over the streams, the folder and the environment, as an interpreter that is started does."""
    for stream, descriptor in enumerate(descriptors):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8", newline="\n")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "wb", closefd=False)), "utf-8", newline="\n")
    err = io.BufferedWriter(io.FileIO(2, "wb", closefd=False))
    sys.stderr = io.TextIOWrapper(err, "utf-8", "backslashreplace", newline="\n", line_buffering=True)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    places = request.environment.get("PYTHONPATH", "")
    sys.path[0:1] = [request.folder, *filter(None, places.split(os.pathsep))]
    sys.argv = ["jackfield", *request.arguments]
    importlib.invalidate_caches()


def _import() -> None:
    for module in IMPORTED:
        importlib.import_module(module)
    registry = PluginHost(LoadPolicy(only=frozenset({BUILT_IN}))).load().registry
    for shelf in (registry.migrators, registry.state_stores, registry.blob_stores, registry.file_stores):
        list(shelf.items())
    gc.freeze()  # or the forked would copy all this at their first collection


def main() -> None:
    """Import, wait for requests, and be what one asks for."""
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        _import()
        _serve(connection)
    runpy.run_module("jackfield", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
